/** A random graph with something planted in it always becomes a valid model that still has it, and nothing to spare. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { graphDomain, type GraphCase } from '../../../src/minifier/graph/graph-case.ts';
import { keepNodes, type Values } from '../../../src/minifier/graph/graph-cut.ts';
import { checkModel, type OnnxNode } from '../../../src/onnx/index.ts';
import { caseOf, inferValues, reduceCase } from './support.ts';

const opTypes = ['Abs', 'Neg', 'Tanh', 'Add', 'Mul', 'Max', 'Transpose', 'MatMul', 'Exp', 'Sin'];
const twoOperands = new Set(['Add', 'Mul', 'Max', 'MatMul']);

interface Step {
  readonly opType: string;
  readonly left: number;
  readonly right: number;
}

const steps = fc.array(
  fc.record({ opType: fc.constantFrom(...opTypes), left: fc.nat(1_000), right: fc.nat(1_000) }),
  { minLength: 5, maxLength: 40 },
);

/** Square values, so that everything fits together. */
function graphOf(list: readonly Step[], size: number): GraphCase {
  return caseOf((graph) => {
    const values = [graph.input('a', 'float32', [size, size]), graph.input('b', 'float32', [size, size])];
    const unread = new Set<string>();
    for (const { opType, left, right } of list) {
      const operands = (twoOperands.has(opType) ? [left, right] : [left]).map(
        (at) => values[at % values.length]!,
      );
      for (const operand of operands) unread.delete(operand);
      const result = graph.add(opType, operands);
      values.push(result);
      unread.add(result);
    }
    for (const value of unread) graph.output(value, 'float32', [size, size]);
  });
}

type Predicate = (testCase: GraphCase, values: Values) => boolean;

function makers({ model }: GraphCase): Map<string, OnnxNode> {
  return new Map(model.graph.nodes.flatMap((node) => node.outputs.map((output) => [output, node])));
}

/** A node of `later` reads what a node of `earlier` made. */
function hasPair(testCase: GraphCase, earlier: string, later: string): boolean {
  const made = makers(testCase);
  return testCase.model.graph.nodes.some(
    (node) => node.opType === later && node.inputs.some((input) => made.get(input)?.opType === earlier),
  );
}

function count(testCase: GraphCase, opType: string): number {
  return testCase.model.graph.nodes.filter((node) => node.opType === opType).length;
}

const predicates: Readonly<Record<string, Predicate>> = {
  'two nodes, one after the other': (testCase) => hasPair(testCase, 'Tanh', 'Neg'),
  'two places': (testCase) => count(testCase, 'Exp') > 0 && count(testCase, 'Sin') > 0,
  'a pair of at least three rows': (testCase, values) =>
    hasPair(testCase, 'Abs', 'Transpose') &&
    testCase.model.graph.nodes.some((node) => (values.get(node.outputs[0]!)?.dims[0] ?? 0) >= 3),
  'three of a kind, unless something hides them': (testCase) =>
    count(testCase, 'Mul') >= 3 && count(testCase, 'Max') !== 1,
};

async function withoutNode(testCase: GraphCase, position: number): Promise<GraphCase | undefined> {
  const others = testCase.model.graph.nodes.map((_, at) => at).filter((at) => at !== position);
  return keepNodes(testCase, inferValues(testCase)!, new Set(others));
}

describe.each(Object.entries(predicates))('%s', (_, fails) => {
  it('end as a valid model of which no node can go, with any number of jobs', async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 3, max: 9 }), async (list, size) => {
        const initial = graphOf(list, size);
        fc.pre(fails(initial, inferValues(initial)!));
        const { best, problem, damaged } = await reduceCase(initial, fails);
        expect(damaged).toEqual([]);
        expect(checkModel(best.model)).toEqual([]);
        expect(fails(best, inferValues(best)!)).toBe(true);
        for (const position of best.model.graph.nodes.keys()) {
          const smaller = await withoutNode(best, position);
          expect(smaller !== undefined && fails(smaller, inferValues(smaller)!)).toBe(false);
        }
        const again = await reduceCase(best, fails);
        expect(graphDomain.hash(again.best)).toBe(graphDomain.hash(best));
        const parallel = await reduceCase(initial, fails, { jobs: 3 });
        expect(graphDomain.hash(parallel.best)).toBe(graphDomain.hash(best));
        expect(parallel.problem.trials).toBe(problem.trials);
      }),
      { numRuns: 20 },
    );
  });
});

describe('what is left', () => {
  it('of a pair is two nodes on one value, of the fewest rows that the failure needs', async () => {
    const initial = graphOf(
      [
        { opType: 'MatMul', left: 0, right: 1 },
        { opType: 'Abs', left: 2, right: 0 },
        { opType: 'Transpose', left: 3, right: 0 },
        { opType: 'Add', left: 4, right: 1 },
      ],
      7,
    );
    const { best } = await reduceCase(initial, predicates['a pair of at least three rows']!);
    const { nodes, initializers, inputs } = best.model.graph;
    expect(nodes.map((node) => node.opType)).toEqual(['Abs', 'Transpose']);
    expect(inputs).toEqual([]);
    expect(initializers.map((tensor) => tensor.dims)).toEqual([[1, 3]]);
    expect([...initializers[0]!.data]).toEqual([0, 0, 0]);
  });
});
