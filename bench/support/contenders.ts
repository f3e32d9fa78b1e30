/**
 * What a benchmark compares, in one process: the same program on tfjs's cpu and wasm backends and on fullgraph, and the
 * same network hand-written in ONNX on onnxruntime-node's public API. Every contender gets a plain array and returns a
 * plain array, so each pays for its own copies.
 */
import type * as tfjs from '@tensorflow/tfjs';
import { createRequire } from 'node:module';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { encodeModel } from '../../src/onnx/index.ts';
import type { BenchModel, InferenceModel, ModelInput, Tfjs, TrainingModel } from '../models/define-model.ts';
import { installFullgraph, type Fullgraph } from './fullgraph.ts';

export type ContenderName = 'fullgraph' | 'wasm' | 'cpu' | 'onnx';

export interface Contender {
  readonly name: ContenderName;
  /** One inference or training step on the input or batch of that seed: its output or its loss. */
  readonly call: (seed: number) => Promise<ArrayLike<number>>;
}

export interface Environment {
  readonly tf: Tfjs;
  readonly fullgraph: Fullgraph | undefined;
}

/** Copies of tfjs's backends under names that fullgraph, which takes over the public ones, leaves alone. */
export const plainName = { cpu: 'plain-cpu', wasm: 'plain-wasm' } as const;

/** tfjs as a CommonJS program gets it, with unwrapped cpu and wasm backends beside fullgraph's. */
export async function prepareEnvironment(options: {
  readonly threads: number;
  readonly cacheDir?: string | undefined;
  readonly hasFullgraph: boolean;
  readonly isTimed?: boolean;
}): Promise<Environment> {
  const require = createRequire(import.meta.url);
  const tf = require('@tensorflow/tfjs') as Tfjs;
  require('@tensorflow/tfjs-backend-wasm');
  for (const [name, plain] of Object.entries(plainName)) {
    tf.registerBackend(plain, tf.findBackendFactory(name), 0);
    tf.copyRegisteredKernels(name, plain);
  }
  const { threads, cacheDir, isTimed } = options;
  const fullgraph = options.hasFullgraph
    ? await installFullgraph(tf, { threads, cacheDir, isTimed })
    : undefined;
  return { tf, fullgraph };
}

/** A few inputs, made once and used in turn. */
const distinctInputs = 4;

function memoize<T>(make: (seed: number) => T): (seed: number) => T {
  const made = new Map<number, T>();
  return (seed) => {
    const key = seed % distinctInputs;
    const value = made.get(key) ?? make(key);
    made.set(key, value);
    return value;
  };
}

const toTensor = (tf: Tfjs, { data, shape, dtype }: ModelInput): tfjs.Tensor =>
  tf.tensor(data, [...shape], dtype);

async function tfjsInference(
  { tf }: Environment,
  name: ContenderName,
  backend: string,
  model: InferenceModel,
): Promise<Contender> {
  await tf.setBackend(backend);
  const run = model.build(tf);
  const inputs = memoize(model.makeInput);
  return {
    name,
    call: async (seed) => {
      if (tf.getBackend() !== backend) await tf.setBackend(backend);
      const input = toTensor(tf, inputs(seed));
      const output = run(input);
      const values = output.dataSync();
      tf.dispose([input, output]);
      return values;
    },
  };
}

async function tfjsTraining(
  { tf }: Environment,
  name: ContenderName,
  backend: string,
  model: TrainingModel,
): Promise<Contender> {
  await tf.setBackend(backend);
  const step = model.build(tf);
  const batches = memoize(model.makeBatch);
  return {
    name,
    call: async (seed) => {
      if (tf.getBackend() !== backend) await tf.setBackend(backend);
      const batch = batches(seed);
      const x = toTensor(tf, batch.x);
      const y = toTensor(tf, batch.y);
      const loss = await step(x, y);
      tf.dispose([x, y]);
      return [loss];
    },
  };
}

async function handWritten(model: InferenceModel, threads: number): Promise<Contender> {
  const session = await InferenceSession.create(encodeModel(model.onnx()), {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    executionMode: 'sequential',
    // Spinning threads starve the other processes of a busy machine.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  });
  const inputs = memoize(model.makeInput);
  const [inputName = ''] = session.inputNames;
  const [outputName = ''] = session.outputNames;
  return {
    name: 'onnx',
    call: async (seed) => {
      const { data, shape, dtype } = inputs(seed);
      const results = await session.run({ [inputName]: new Tensor(dtype, data, shape) });
      return results[outputName]!.data as Float32Array;
    },
  };
}

/** Whether `model` exists in that form. */
export function canContend(name: ContenderName, model: BenchModel): boolean {
  if (model.kind === 'inference') return true;
  return name === 'wasm' ? model.runsOnWasm : name !== 'onnx';
}

/** Builds `model` for the contender on its backend. */
export async function makeContender(
  environment: Environment,
  name: ContenderName,
  model: BenchModel,
  threads: number,
): Promise<Contender> {
  if (name === 'onnx') {
    if (model.kind !== 'inference') throw new Error(`${model.name} has no hand-written ONNX form.`);
    return handWritten(model, threads);
  }
  const backend = name === 'fullgraph' ? environment.fullgraph?.backendName : plainName[name];
  if (backend === undefined) throw new Error('The environment was prepared without fullgraph.');
  return model.kind === 'inference'
    ? tfjsInference(environment, name, backend, model)
    : tfjsTraining(environment, name, backend, model);
}
