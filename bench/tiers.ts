/**
 * `npm run bench:tiers [-- regexp]`: the measurements behind src/compile/tier-costs.ts. Small programs of several sizes,
 * each run as closures and as native code, beside what the two are estimated to take; marked where the tier that is
 * estimated to be faster takes half as long again as the other.
 */
import * as tf from '@tensorflow/tfjs';
import type { Executable } from '../src/ir/executable.ts';
import { compileClosures } from '../src/compile/javascript/compile-closures.ts';
import { createOnnxBackend } from '../src/compile/onnx-backend.ts';
import { opTable } from '../src/compile/ops/index.ts';
import { estimateCosts, measuredCosts } from '../src/compile/tier-costs.ts';
import { callNodes, type Graph } from '../src/ir/graph.ts';
import type { HostArray } from '../src/ir/tensor-type.ts';
import { install, registerBackend } from '../src/session.ts';

interface Caught {
  readonly graph: Graph;
  readonly leaves: readonly HostArray[];
  readonly executable: Executable;
}

let caught: Caught | undefined;

registerBackend('bench-tiers', ({ runKernel, now }) => {
  const native = createOnnxBackend({ table: opTable, runKernel, now, threads: 1, spinning: false });
  return {
    ...native,
    compile(graph, leaves) {
      const compiled = native.compile(graph, leaves);
      caught = { graph, leaves: leaves.slice(), executable: compiled.executable };
      return compiled;
    },
  };
});

type Vector = tf.Tensor1D;
type Program = (x: Vector, n: number) => tf.Tensor;

const rows = (x: Vector): tf.Tensor2D => x.reshape([-1, 32]);
/** A square matrix with `n` products per row and column of its square. */
const square = (x: Vector, n: number): tf.Tensor2D => {
  const side = Math.round(Math.cbrt(n * 8));
  return x.slice(0, Math.min(side * side, n)).reshape([-1, Math.min(side, Math.sqrt(n))]);
};

const programs: Readonly<Record<string, Program>> = {
  abs: (x) => x.abs(),
  add: (x) => x.add(x),
  'add a row': (x) => rows(x).add(x.slice(0, 32)),
  greater: (x) => x.greater(0.5),
  select: (x) => tf.where(x.greater(0.5), x, 0),
  sqrt: (x) => x.sqrt(),
  exp: (x) => x.exp(),
  log: (x) => x.log(),
  log1p: (x) => x.log1p(),
  expm1: (x) => x.expm1(),
  sigmoid: (x) => x.sigmoid(),
  tanh: (x) => x.tanh(),
  erf: (x) => x.erf(),
  softplus: (x) => x.softplus(),
  elu: (x) => x.elu(),
  sin: (x) => x.sin(),
  atan: (x) => x.atan(),
  atan2: (x) => tf.atan2(x, x),
  pow: (x) => x.pow(1.5),
  mod: (x) => x.mod(0.3),
  sum: (x) => x.sum(),
  'sum rows': (x) => rows(x).sum(1),
  'max columns': (x) => rows(x).max(0),
  argMax: (x) => rows(x).argMax(1),
  softmax: (x) => rows(x).softmax(),
  cumsum: (x) => rows(x).cumsum(1),
  transpose: (x) => rows(x).transpose(),
  concat: (x) => tf.concat([rows(x), rows(x)], 1),
  'slice of half': (x, n) => x.slice(n / 4, n / 2),
  'gather 8 rows': (x) => rows(x).gather(tf.tensor1d([0, 1, 2, 3, 4, 5, 6, 7], 'int32')),
  'product of squares': (x, n) => square(x, n).matMul(square(x, n), true),
  'product with a row': (x) => rows(x).matMul(x.slice(0, 32).reshape([32, 1])),
  'dense layer': (x) =>
    rows(x)
      .matMul(x.slice(0, 512).reshape([32, 16]))
      .add(x.slice(0, 16))
      .relu(),
  '20 additions': (x) => Array.from({ length: 20 }).reduce<tf.Tensor>((sum) => sum.add(x), x),
};

const sizes = [512, 1024, 4096, 16_384];

/** Microseconds of the fastest of many rounds. */
function time(run: () => unknown): number {
  const end = performance.now() + 60;
  let [best, count] = [Infinity, 1];
  while (performance.now() < end) {
    const start = performance.now();
    for (let index = 0; index < count; index++) run();
    const durationMs = performance.now() - start;
    if (durationMs < 0.5) count *= 2;
    else best = Math.min(best, durationMs / count);
  }
  return best * 1000;
}

function measure(name: string, size: number, program: Program): string | undefined {
  caught = undefined;
  const x = tf.randomUniform<tf.Rank.R1>([size], 0.1, 1);
  tf.tidy(() => program(x, size).dataSync());
  if (caught === undefined) return undefined;
  const { graph, leaves, executable } = caught as Caught;
  const closures = compileClosures(graph, opTable);
  if (closures === undefined) return undefined;
  const measured = [time(() => closures.run(leaves)), time(() => executable.run(leaves))] as const;
  const costs = estimateCosts(graph, opTable, measuredCosts);
  const estimated = [costs.closuresMs * 1000, costs.nativeMs * 1000] as const;
  const chosen = estimated[0] <= estimated[1] ? 0 : 1;
  const isWrong = measured[chosen] > 1.5 * measured[1 - chosen]!;
  const numbers = [...measured, ...estimated].map((us) => us.toFixed(1).padStart(9)).join('');
  const calls = `${callNodes(graph).length}`.padStart(6);
  return `${name.padEnd(20)}${String(size).padStart(7)}${calls}${numbers}  ${chosen === 0 ? 'closures' : 'native'}${isWrong ? ' SLOWER' : ''}`;
}

const pattern = new RegExp(process.argv[2] ?? '', 'i');
install(tf, { backend: 'bench-tiers', freeze: false, explain: false });
await tf.setBackend('cpu');
console.log('program                size calls closures   native est. cl.  est. n.  chosen   (microseconds)');
for (const [name, program] of Object.entries(programs)) {
  if (!pattern.test(name)) continue;
  for (const size of sizes) {
    const line = measure(name, size, program);
    if (line !== undefined) console.log(line);
  }
}
process.exit(0);
