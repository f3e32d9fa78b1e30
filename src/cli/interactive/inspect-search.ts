/** `fullgraph minify -i`: the search in the UI; what it found is printed when the UI closes. */
import { createReportBuilder } from '../../explain/report-builder.ts';
import type { MinifyModel } from '../../ui/live/minify-model.ts';
import type { Context, ExitCode } from '../command.ts';
import { createProgress, print } from '../output.ts';
import { exitCodeOfEnd } from './open-ui.ts';
import type { MinifySearch, SearchRequest } from './minify-search.ts';
import { openWorkbench } from './workbench.ts';

/** Words that say what parsed flags said. */
export function wordsOf(
  values: Readonly<Record<string, string | number | boolean | undefined>>,
  positionals: readonly string[],
  rest: readonly string[],
): string[] {
  const flags = Object.entries(values).flatMap(([name, value]) => {
    if (value === undefined || name === 'interactive' || name === 'json') return [];
    if (value === true) return [`--${name}`];
    return value === false ? [`--no-${name}`] : [`--${name}=${value}`];
  });
  return [...flags, ...positionals, ...(rest.length === 0 ? [] : ['--', ...rest])];
}

function summary(model: MinifyModel): string {
  const { end, signature, sizeBefore, size, unit, trials, text, complaint } = model;
  if (end === undefined) return `${complaint}\n`;
  return [
    signature,
    `${sizeBefore} → ${size} ${unit} in ${trials} trials`,
    ...(end.culprit === undefined ? [] : [`introduced by: ${end.culprit}`]),
    '',
    text.trimEnd(),
    '',
    `${end.directory ?? ''}: ${end.verified ? 'it fails the same way from there in a fresh process' : 'it did NOT fail the same way from there: look before you file it'}`,
    '',
  ].join('\n');
}

/** The UI is gone, the search is not: it writes the best so far. A second Ctrl-C does not wait for that. */
async function finish(search: MinifySearch, context: Context): Promise<ExitCode> {
  if (!search.isRunning()) return search.ended;
  const progress = createProgress(context.stderr);
  const interrupt = (): void => search.kill();
  process.once('SIGINT', interrupt);
  const what = search.model().size === 0 ? 'ending the search' : 'writing and checking the best so far';
  progress.update(`${what} (Ctrl-C: at once)`);
  search.stop();
  try {
    return await search.ended;
  } finally {
    process.off('SIGINT', interrupt);
    progress.clear();
  }
}

/** @returns the exit code of `fullgraph minify`. */
export async function inspectSearch(search: SearchRequest, context: Context): Promise<ExitCode> {
  const bench = await openWorkbench({ report: createReportBuilder().report(), status: '', search }, context);
  const end = await bench.done;
  const found = bench.search()!;
  const exitCode = await finish(found, context);
  await print(context.stdout, summary(found.model()));
  return end.signal === undefined ? exitCode : exitCodeOfEnd(end);
}
