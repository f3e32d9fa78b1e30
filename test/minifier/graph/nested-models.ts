/** Random models with graphs inside nodes, up to three deep: If, Loop and Scan over square values, so that all of it fits together. */
import fc from 'fast-check';
import { GraphWriter } from '../../../src/onnx/index.ts';
import type { GraphCase } from '../../../src/minifier/graph/graph-case.ts';
import { floats } from './support.ts';

const plain = ['Abs', 'Neg', 'Tanh', 'Sin', 'Add', 'Mul', 'Max', 'MatMul', 'Transpose'] as const;
const twoOperands: ReadonlySet<string> = new Set(['Add', 'Mul', 'Max', 'MatMul']);

export interface Step {
  readonly opType: (typeof plain)[number] | 'If' | 'Loop' | 'Scan' | 'Constant';
  readonly left: number;
  readonly right: number;
  readonly inner: readonly Step[];
}

function stepsOf(depth: number, maxLength: number): fc.Arbitrary<Step[]> {
  const simple = fc.record({
    opType: fc.constantFrom(...plain, 'Constant' as const),
    left: fc.nat(1_000),
    right: fc.nat(1_000),
    inner: fc.constant([]),
  });
  if (depth === 0) return fc.array(simple, { minLength: 1, maxLength });
  const nested = fc.record({
    opType: fc.constantFrom('If' as const, 'Loop' as const, 'Scan' as const),
    left: fc.nat(1_000),
    right: fc.nat(1_000),
    inner: stepsOf(depth - 1, maxLength),
  });
  return fc.array(fc.oneof({ weight: 4, arbitrary: simple }, { weight: 1, arbitrary: nested }), {
    minLength: 2,
    maxLength,
  });
}

export const nestedSteps: fc.Arbitrary<Step[]> = stepsOf(2, 9);

/** Adds the steps; `values` are what they may read. Returns all that nobody reads. */
function addSteps(
  graph: GraphWriter,
  steps: readonly Step[],
  around: readonly string[],
  size: number,
): string[] {
  const values = [...around];
  const unread = new Set<string>();
  for (const step of steps) {
    const [left, right] = [step.left, step.right].map((at) => values[at % values.length]!);
    for (const operand of [left!, right!]) unread.delete(operand);
    const results = addStep(graph, step, left!, right!, values, size);
    values.push(...results);
    for (const result of results) unread.add(result);
  }
  return [...unread];
}

function addStep(
  graph: GraphWriter,
  { opType, inner, left: chosen }: Step,
  left: string,
  right: string,
  values: readonly string[],
  size: number,
): string[] {
  const dims = [size, size];
  switch (opType) {
    case 'Constant':
      return [graph.add('Constant', [], { value: floats('', dims, (index) => (index % 7) - 3) })];
    case 'If': {
      const total = graph.add('ReduceMax', [left], { keepdims: 0 });
      const condition = graph.add('Greater', [total, graph.scalar(chosen % 3, 'float32')]);
      const branch = (name: string, steps: readonly Step[]) => {
        const body = graph.subgraph(name);
        const made = addSteps(body, steps, values, size);
        const [first, second = first] = made.length > 0 ? made : [body.add('Identity', [right])];
        body.output(first!, 'float32', dims);
        body.output(body.add('Neg', [second!]), 'float32', dims);
        return body.toGraph();
      };
      return graph.addMany('If', [condition], 2, {
        then_branch: branch('then', inner),
        else_branch: branch('else', inner.slice(0, 2).toReversed()),
      });
    }
    case 'Loop': {
      const body = graph.subgraph('body');
      const round = body.input('round', 'int64', []);
      const go = body.input('go', 'bool', []);
      const carried = [body.input('state', 'float32', dims), body.input('other', 'float32', dims)];
      const made = addSteps(body, inner, [...values, ...carried], size);
      body.output(body.add('And', [go, body.add('Less', [round, body.scalar(9, 'int64')])]), 'bool', []);
      body.output(body.add('Sin', [made.at(-1) ?? carried[0]!]), 'float32', dims);
      body.output(body.add('Max', carried), 'float32', dims);
      body.output(body.add('Cos', [made[0] ?? carried[1]!]), 'float32', dims);
      const rounds = graph.scalar(1 + (chosen % 3), 'int64');
      const results = graph.addMany('Loop', [rounds, undefined, left, right], 3, { body: body.toGraph() });
      return [
        results[0]!,
        results[1]!,
        graph.add('ReduceSum', [results[2]!, graph.ints([0])], { keepdims: 0 }),
      ];
    }
    case 'Scan': {
      const body = graph.subgraph('body');
      const state = body.input('state', 'float32', dims);
      const row = body.input('row', 'float32', [size]);
      const made = addSteps(body, inner, [...values, state], size);
      body.output(body.add('Add', [state, row]), 'float32', dims);
      body.output(
        body.add('ReduceMean', [made.at(-1) ?? state, body.ints([0])], { keepdims: 0 }),
        'float32',
        [size],
      );
      return graph.addMany('Scan', [left, right], 2, { body: body.toGraph(), num_scan_inputs: 1 });
    }
    default:
      return [graph.add(opType, twoOperands.has(opType) ? [left, right] : [left])];
  }
}

/** The model that the steps describe, with values of its inputs. */
export function nestedCase(steps: readonly Step[], size = 3): GraphCase {
  const graph = new GraphWriter('nested');
  const dims = [size, size];
  const inputs = ['a', 'b'].map((name) => graph.input(name, 'float32', dims));
  for (const result of addSteps(graph, steps, inputs, size)) graph.output(result, 'float32', dims);
  const values = inputs.map(
    (name, at) => [name, floats(name, dims, (index) => Math.sin(index + 3 * at))] as const,
  );
  return { model: graph.toModel(), inputs: new Map(values) };
}
