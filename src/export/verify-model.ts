/** Whether an exported model computes what the graph computes: run on onnxruntime, compared with the reference's results. */
import { createOrtSession } from '../compile/backends/onnxruntime.ts';
import type { ElementArray } from '../compile/segment.ts';
import { BackendError, InternalError } from '../ir/errors.ts';
import { checkModel, type OnnxModel } from '../onnx/index.ts';

/** Values of one tensor, numbers only. */
export type Numbers = Float32Array | Int32Array | Uint8Array;

/** One set of inputs with the results that the model must give. */
export interface ModelSample {
  /** By name of the model's input. */
  readonly inputs: ReadonlyMap<string, { readonly data: Numbers; readonly dims: readonly number[] }>;
  /** In order of the model's outputs. */
  readonly outputs: readonly Numbers[];
}

/** Bounds of an error that rounding explains: absolute and relative to the reference. */
const tolerance = 1e-3;

function largestError(actual: ArrayLike<number>, expected: Numbers, output: string): number {
  if (actual.length !== expected.length) {
    throw mismatch(output, `${actual.length} elements instead of ${expected.length}`);
  }
  let largest = 0;
  for (let index = 0; index < expected.length; index++) {
    const want = expected[index]!;
    const got = Number(actual[index]);
    if (Object.is(got, want) || got === want) continue;
    const error = Math.abs(got - want);
    if (!(error <= tolerance + tolerance * Math.abs(want))) {
      throw mismatch(output, `${got} instead of ${want} at element ${index}`);
    }
    largest = Math.max(largest, error);
  }
  return largest;
}

function mismatch(output: string, what: string): BackendError {
  return new BackendError(`the exported model gives ${what} for ${output}`, {
    code: 'FG3406',
    hint: 'Please report it with the program; `fullgraph minify` makes it small.',
  });
}

/**
 * Largest absolute error over all samples and outputs.
 * @throws FG9003 for an illegal model, FG3202 when onnxruntime refuses it, FG3406 when results differ.
 */
export function verifyModel(model: OnnxModel, samples: readonly ModelSample[]): number {
  const [problem] = checkModel(model);
  if (problem !== undefined) {
    throw new InternalError(`the exported model is not legal: ${problem.message}`, { code: 'FG9003' });
  }
  const session = createOrtSession(model, { threads: 1 });
  try {
    let largest = 0;
    for (const { inputs, outputs } of samples) {
      const given = session.inputs.map(({ name }) => inputs.get(name)!);
      const results = session.run(
        given.map(({ data }) => data as ElementArray),
        given.map(({ dims }) => dims),
      );
      for (const [index, expected] of outputs.entries()) {
        const actual = results[index]!.data as ArrayLike<number>;
        largest = Math.max(largest, largestError(actual, expected, session.outputs[index]!.name));
      }
    }
    return largest;
  } finally {
    session.dispose();
  }
}
