/**
 * What the minifier's child process loads to run a program under capture and compile: a session per run, with the parts
 * switched off that are asked for. A module of its own because the minifier knows neither capture nor compile.
 */
import { createRequire } from 'node:module';
import { eagerBackendName } from './capture/install-backend.ts';
import { segmentPasses } from './compile/passes/index.ts';
import type { CapturedProgram, CaptureSettings } from './minifier/program/messages.ts';
import { install, type TfjsCore } from './session.ts';

/** Packages of models, whose calls a session wants to know. */
const modelPackages: readonly string[] = ['@tensorflow/tfjs-layers', '@tensorflow/tfjs-converter'];
const corePackages: readonly string[] = ['@tensorflow/tfjs', '@tensorflow/tfjs-core'];

function requireFirst(names: readonly string[], from: NodeJS.Require): object | undefined {
  for (const name of names) {
    try {
      return from(name) as object;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw cause;
    }
  }
  return undefined;
}

/** tfjs backend that has the kernels which are captured. */
export const eagerBackend: string = eagerBackendName;

/** Names of our passes, in the order in which they run. */
export const passes: readonly string[] = Object.keys(segmentPasses);

/**
 * Captures what the program at `place` does from now on; `undefined` when it has no tfjs.
 * @throws FG5010 for an unknown backend.
 */
export function captureProgram(place: string, settings: CaptureSettings): CapturedProgram | undefined {
  const from = createRequire(place);
  const tf = requireFirst(corePackages, from) as TfjsCore | undefined;
  if (tf === undefined) return undefined;
  const { backend, device, replay, freeze, ...tuning } = settings;
  const session = install(tf, {
    backend,
    explain: false,
    spinning: false,
    ...(device === undefined ? {} : { device }),
    ...(replay === undefined ? {} : { replay }),
    ...(freeze === undefined ? {} : { freeze }),
    tuning,
  });
  for (const name of modelPackages) {
    const models = requireFirst([name], from);
    if (models !== undefined) session.adopt(models);
  }
  return {
    refresh: () => {
      install(tf);
    },
    end: () => {
      // What the program never read is dropped: its failures are not the program's.
      session.finish(0);
      session.uninstall();
      session.dispose();
    },
  };
}
