/**
 * Which parts of the program ran, from V8's precise block coverage through the inspector: no instrumentation, and exact to the
 * branch. `docs`: https://chromedevtools.github.io/devtools-protocol/tot/Profiler/
 */
import { Session, type Profiler } from 'node:inspector';
import type { Coverage } from './messages.ts';

export interface CoverageSession {
  /** What ran since the start, for scripts that `pathOf` knows; ends the session. */
  take(pathOf: (scriptUrl: string) => string | undefined): Coverage[];
}

export function startCoverage(): CoverageSession {
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  return {
    take: (pathOf) => {
      let scripts: Profiler.ScriptCoverage[] = [];
      session.post('Profiler.takePreciseCoverage', (error, { result }) => {
        if (error === null) scripts = result;
      });
      session.post('Profiler.stopPreciseCoverage');
      session.post('Profiler.disable');
      session.disconnect();
      return scripts.flatMap(({ url, functions }) => {
        const path = pathOf(url);
        return path === undefined ? [] : [{ path, ranges: flattenRanges(functions) }];
      });
    },
  };
}

/** V8's ranges of all functions, outer ones before inner ones. */
export function flattenRanges(
  functions: readonly Pick<Profiler.FunctionCoverage, 'ranges'>[],
): { start: number; end: number; count: number }[] {
  return functions
    .flatMap(({ ranges }) => ranges)
    .map(({ startOffset, endOffset, count }) => ({ start: startOffset, end: endOffset, count }))
    .sort((left, right) => right.end - right.start - (left.end - left.start));
}
