/** Times ways of writing one kernel as ONNX nodes, on onnxruntime directly, one thread. */
import { createOrtSession, type OrtArray } from '../../src/compile/backends/onnxruntime.ts';
import { buildModel } from '../../src/compile/build-model.ts';
import { Pen } from '../../src/compile/lowering-pen.ts';
import type { Segment } from '../../src/compile/segment.ts';
import { fixedGenerality } from '../../src/compile/skeleton.ts';
import { elementCount } from '../../src/ir/tensor-type.ts';
import { encodeModel } from '../../src/onnx/index.ts';
import { uniform } from './weights.ts';

/** One way: writes nodes that read inputs by name; the result is reduced to one number, so that copying it costs nothing. */
export type Form = (pen: Pen) => string;

export interface KernelCase {
  readonly name: string;
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly forms: Readonly<Record<string, Form>>;
}

export interface FormTime {
  readonly form: string;
  readonly minimumMs: number;
  /** Greatest element of the result: equal forms agree. */
  readonly largest: number;
}

interface Prepared {
  readonly run: () => readonly OrtArray[];
  readonly dispose: () => void;
}

function prepare(inputs: KernelCase['inputs'], form: Form): Prepared {
  const pen = new Pen('n');
  const result = form(pen);
  const largest = pen.op('ReduceMax', [result], { keepdims: 0 });
  const names = Object.entries(inputs);
  const segment: Segment = {
    inputs: names.map(([name, dims]) => ({ name, type: 'float32', dims })),
    constants: pen.constants,
    nodes: pen.nodes,
    outputs: [{ name: largest, type: 'float32', dims: [] }],
  };
  const session = createOrtSession(encodeModel(buildModel(segment, fixedGenerality(segment))), {
    threads: 1,
    spinning: false,
  });
  const feeds = names.map(([, dims], position) => uniform(position + 1, elementCount(dims), -1, 1));
  const dims = names.map(([, sizes]) => sizes);
  return { run: () => session.runArrays(feeds, dims), dispose: () => session.dispose() };
}

/** Times all forms of a case in turns, so that a busy moment meets all of them. */
export function timeForms(kernelCase: KernelCase, rounds: number): FormTime[] {
  const entries = Object.entries(kernelCase.forms).map(([form, write]) => {
    const prepared = prepare(kernelCase.inputs, write);
    const [largest] = prepared.run() as [Float32Array];
    return { form, prepared, largest: largest[0]!, minimumMs: Infinity };
  });
  for (let round = 0; round < rounds; round++) {
    for (const entry of entries) {
      for (let repeat = 0; repeat < 5; repeat++) {
        const start = performance.now();
        entry.prepared.run();
        entry.minimumMs = Math.min(entry.minimumMs, performance.now() - start);
      }
    }
  }
  for (const entry of entries) entry.prepared.dispose();
  return entries;
}
