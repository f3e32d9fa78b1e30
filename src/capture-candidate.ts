/**
 * What the minifier's child process loads to run a program under capture and compile: a session per run, with the parts
 * switched off that are asked for. A module of its own because the minifier knows neither capture nor compile.
 */
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { eagerBackendName } from './capture/install-backend.ts';
import type { ModelWatch } from './compile/onnx-backend.ts';
import { segmentPasses } from './compile/passes/index.ts';
import {
  modelFiles,
  type CapturedProgram,
  type CaptureSettings,
  type ModelSetup,
} from './minifier/program/messages.ts';
import { encodeModel, encodeNpz, type OnnxModel } from './onnx/index.ts';
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

/** Writes what onnxruntime gets, each file before it is used: it may be the last thing that this process does. */
function writeModels(folder: string): ModelWatch {
  const numbers = new Map<OnnxModel, number>();
  return {
    creating: (model, { optimizationLevel, disabledOptimizers }) => {
      const number = numbers.get(model) ?? numbers.size;
      numbers.set(model, number);
      const files = modelFiles(folder, number);
      const setup: ModelSetup = { level: optimizationLevel, disabledOptimizers };
      writeFileSync(files.model, encodeModel(model));
      writeFileSync(files.setup, JSON.stringify(setup));
    },
    running: (model, data, dims) => {
      const values = model.graph.inputs.map(({ name, type }, index) => {
        const dataType = type?.kind === 'tensor' ? type.dataType : 'float32';
        return [name, { dataType, dims: dims[index]!, data: data[index]! }] as const;
      });
      writeFileSync(modelFiles(folder, numbers.get(model)!).inputs, encodeNpz(new Map(values)));
    },
  };
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
  const { backend, device, replay, freeze, modelFolder, ...tuning } = settings;
  const session = install(tf, {
    backend,
    explain: false,
    spinning: false,
    ...(device === undefined ? {} : { device }),
    ...(replay === undefined ? {} : { replay }),
    ...(freeze === undefined ? {} : { freeze }),
    tuning: { ...tuning, ...(modelFolder === undefined ? {} : { watch: writeModels(modelFolder) }) },
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
