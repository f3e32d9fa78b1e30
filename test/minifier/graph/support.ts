import { graphDomain, type GraphCase } from '../../../src/minifier/graph/graph-case.ts';
import { createGraphContext } from '../../../src/minifier/graph/graph-context.ts';
import type { Values } from '../../../src/minifier/graph/graph-cut.ts';
import { graphPasses } from '../../../src/minifier/graph/passes/index.ts';
import type { GraphPass } from '../../../src/minifier/graph/graph-context.ts';
import type { Problem } from '../../../src/minifier/problem.ts';
import { reduce } from '../../../src/minifier/reduce.ts';
import { checkModel, GraphWriter, tensorElements, type OnnxTensor } from '../../../src/onnx/index.ts';
import { predicateOracle, problemFor } from '../support.ts';

export function floats(
  name: string,
  dims: readonly number[],
  valueAt: (index: number) => number = (index) => index * 1.37 + 0.123,
): OnnxTensor {
  const data = Float32Array.from({ length: tensorElements(dims) }, (_, index) => valueAt(index));
  return { name, dataType: 'float32', dims, data };
}

/** A case of a model that `write` adds nodes to; values of its inputs are made up. */
export function caseOf(write: (graph: GraphWriter) => void): GraphCase {
  const graph = new GraphWriter('planted');
  write(graph);
  const model = graph.toModel();
  const inputs = model.graph.inputs.map(({ name, type }) => {
    const dims = type?.kind === 'tensor' ? type.dims!.map(Number) : [];
    return [name, floats(name, dims)] as const;
  });
  return { model, inputs: new Map(inputs) };
}

/** Shapes for operators that broadcast and for Transpose; undefined where operands do not fit together. */
export function inferValues({ model, inputs }: GraphCase): Values | undefined {
  const values = new Map<string, OnnxTensor>(model.graph.initializers.map((tensor) => [tensor.name, tensor]));
  for (const [name, tensor] of inputs) values.set(name, tensor);
  for (const node of model.graph.nodes) {
    const operands = node.inputs.map((input) => values.get(input)?.dims);
    if (operands.some((dims) => dims === undefined)) return undefined;
    const dims = resultDims(node.opType, operands as readonly (readonly number[])[]);
    if (dims === undefined) return undefined;
    for (const name of node.outputs) values.set(name, floats(name, dims));
  }
  return values;
}

function resultDims(opType: string, operands: readonly (readonly number[])[]): readonly number[] | undefined {
  const [left, right] = operands;
  if (opType === 'Transpose') return [...left!].reverse();
  if (opType === 'MatMul') return left![1] === right![0] ? [left![0]!, right![1]!] : undefined;
  if (right === undefined) return left;
  const rank = Math.max(left!.length, right.length);
  const sizes = Array.from({ length: rank }, (_, axis) => {
    const [one, other] = [left!.at(axis - rank) ?? 1, right.at(axis - rank) ?? 1];
    return one === other || other === 1 ? one : one === 1 ? other : undefined;
  });
  return sizes.includes(undefined) ? undefined : (sizes as number[]);
}

export interface ReducedCase {
  readonly best: GraphCase;
  readonly problem: Problem<GraphCase>;
  /** Candidates that were no models at all. */
  readonly damaged: readonly string[];
}

/** Reduces while `fails` holds; candidates whose shapes do not fit are refused, as a reference would. */
export async function reduceCase(
  initial: GraphCase,
  fails: (testCase: GraphCase, values: Values) => boolean,
  options: { readonly passes?: readonly GraphPass[]; readonly jobs?: number } = {},
): Promise<ReducedCase> {
  const damaged: string[] = [];
  const isFailing = (testCase: GraphCase): boolean => {
    const [problem] = checkModel(testCase.model);
    if (problem !== undefined) damaged.push(problem.message);
    const values = inferValues(testCase);
    return values !== undefined && fails(testCase, values);
  };
  const problem = problemFor(initial, predicateOracle(isFailing), graphDomain, { jobs: options.jobs ?? 1 });
  const context = createGraphContext((testCase) => Promise.resolve(inferValues(testCase)!));
  await reduce(problem, options.passes ?? graphPasses, context);
  return { best: problem.best, problem, damaged };
}
