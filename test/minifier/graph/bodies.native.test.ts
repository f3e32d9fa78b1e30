/** Graphs inside If, Loop and Scan: random models, where every candidate that is asked must be one that onnxruntime runs. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { closeBody, openBody, placesIn } from '../../../src/minifier/graph/bodies/body-view.ts';
import { inside, valuesInside } from '../../../src/minifier/graph/bodies/inside.ts';
import { captureValues } from '../../../src/minifier/graph/capture-values.ts';
import { graphDomain, type GraphCase } from '../../../src/minifier/graph/graph-case.ts';
import { createGraphContext, type GraphContext } from '../../../src/minifier/graph/graph-context.ts';
import { keepNodes } from '../../../src/minifier/graph/graph-cut.ts';
import { trialRequest } from '../../../src/minifier/graph/graph-oracle.ts';
import { allGraphs } from '../../../src/minifier/graph/graph-uses.ts';
import { deleteNodes } from '../../../src/minifier/graph/passes/delete-nodes.ts';
import { graphPasses } from '../../../src/minifier/graph/passes/index.ts';
import { shrinkDims } from '../../../src/minifier/graph/passes/shrink-dims.ts';
import { TrialPool } from '../../../src/minifier/graph/trial-pool.ts';
import type { Setup } from '../../../src/minifier/graph/trial-messages.ts';
import type { Problem } from '../../../src/minifier/problem.ts';
import { reduce } from '../../../src/minifier/reduce.ts';
import { passed } from '../../../src/minifier/verdict.ts';
import { checkModel, printOnnx, type OnnxGraph } from '../../../src/onnx/index.ts';
import { failing, problemFor } from '../support.ts';
import { nestedCase, nestedSteps } from './nested-models.ts';
import { caseOf, floats } from './support.ts';

const setup: Setup = { level: 'disabled', resolveFrom: import.meta.url };
const limitMs = 20_000;
const timeoutMs = 120_000;
let pool: TrialPool;

beforeAll(() => {
  pool = new TrialPool({ jobs: 3, cwd: process.cwd(), memoryLimitMb: 4_096, warmUp: setup });
});
afterAll(() => {
  pool.close();
});

/** What is wrong with a model: structure, or what onnxruntime says. */
async function complaint(testCase: GraphCase): Promise<string | undefined> {
  const [problem] = checkModel(testCase.model);
  if (problem !== undefined) return problem.message;
  const outcome = await pool.run(
    trialRequest(testCase, { reference: setup }, { relative: 0, absolute: 0 }),
    limitMs,
  );
  if (outcome.kind === 'died') return outcome.status;
  const { reference } = outcome.report;
  return reference?.kind === 'error' ? reference.message : undefined;
}

function contextOf(): GraphContext {
  return createGraphContext(async (testCase) => (await captureValues(testCase, pool, setup, limitMs)).values);
}

type Predicate = (graph: OnnxGraph) => boolean;

interface Outcome {
  readonly best: GraphCase;
  readonly problem: Problem<GraphCase>;
  readonly complaints: readonly string[];
}

/** Reduces while the predicate holds for some graph inside a node. */
async function reduceInside(
  initial: GraphCase,
  holds: Predicate,
  passes = graphPasses,
  jobs = 1,
): Promise<Outcome> {
  const complaints: string[] = [];
  const judge = async (testCase: GraphCase) => {
    const wrong = await complaint(testCase);
    if (wrong !== undefined) complaints.push(`${wrong}\n${printOnnx(testCase.model)}`);
    return wrong === undefined && allGraphs(testCase.model.graph).slice(1).some(holds) ? failing : passed;
  };
  const oracle = { judge, close: () => Promise.resolve() };
  const problem = problemFor(initial, oracle, graphDomain, { jobs });
  await reduce(problem, passes, contextOf());
  return { best: problem.best, problem, complaints };
}

/** A Sin reads what a node of the same graph made. */
const hasPair: Predicate = ({ nodes }) => {
  const made = new Set(nodes.flatMap((node) => node.outputs));
  return nodes.some((node) => node.opType === 'Sin' && made.has(node.inputs[0]!));
};
const hasLoopInside: Predicate = ({ nodes }) =>
  nodes.some((node) => node.opType === 'Loop' || node.opType === 'Scan');
const isLargeSum: Predicate = ({ nodes }) => nodes.filter((node) => node.opType === 'Max').length >= 2;

/** How many rounds a Loop makes is a value: only a run can tell whether another one fits the declared sizes. */
const sound = graphPasses.filter(({ name }) => !name.startsWith('simplify-values'));

describe.each([
  ['two nodes of a body', hasPair, 3],
  ['a loop inside of another node', hasLoopInside, 2],
  ['two of a kind in one body', isLargeSum, 3],
])('%s', (_, holds, size) => {
  it(
    'are what is left, with the nodes around them, of any model; all candidates are models',
    async () => {
      await fc.assert(
        fc.asyncProperty(nestedSteps, async (steps) => {
          const initial = nestedCase(steps);
          fc.pre(allGraphs(initial.model.graph).slice(1).some(holds));
          const { best, problem, complaints } = await reduceInside(initial, holds, sound);
          expect(complaints).toEqual([]);
          expect(graphDomain.size(best)).toBe(size);
          const parallel = await reduceInside(initial, holds, sound, 3);
          expect(graphDomain.hash(parallel.best)).toBe(graphDomain.hash(best));
          expect(parallel.problem.trials).toBe(problem.trials);
        }),
        { numRuns: 6 },
      );
    },
    timeoutMs,
  );
});

/** A Loop that carries `x`, collects a value, and reads `w` from around it. */
function loopCase(): GraphCase {
  return caseOf((graph) => {
    const x = graph.input('x', 'float32', [4, 5]);
    const w = graph.add('Abs', [graph.input('w', 'float32', [4, 5])]);
    const body = graph.subgraph('body');
    body.input('round', 'int64', []);
    const go = body.input('go', 'bool', []);
    const state = body.input('state', 'float32', [4, 5]);
    const sum = body.add('Add', [state, w]);
    const next = body.add('Tanh', [body.add('Neg', [sum])]);
    body.output(body.add('Identity', [go]), 'bool', []);
    body.output(next, 'float32', [4, 5]);
    body.output(body.add('ReduceSum', [next, body.ints([0])]), 'float32', [1, 5]);
    const [end, sums] = graph.addMany('Loop', [graph.scalar(3, 'int64'), undefined, x], 2, {
      body: body.toGraph(),
    });
    graph.output(end!, 'float32', [4, 5]);
    graph.output(sums!, 'float32', [3, 1, 5]);
  });
}

describe('the body of a Loop', () => {
  test('is a model of its own, and put back it is what it was', async () => {
    const whole = loopCase();
    const context = contextOf();
    const [place] = placesIn(whole.model.graph);
    const view = openBody(whole, await context.values(whole), place!)!;
    expect(await complaint(view.inner)).toBeUndefined();
    expect([...view.inner.inputs.keys()]).toEqual(['round', 'go', 'state', 'Abs:0']);
    expect(closeBody(view, view.inner, await context.values(view.inner))!.model).toEqual(whole.model);
  });

  test('keeps its interface when nodes go', async () => {
    const whole = loopCase();
    const context = contextOf();
    const [place] = placesIn(whole.model.graph);
    const view = openBody(whole, await context.values(whole), place!)!;
    const values = await context.values(view.inner);
    const opTypes = view.inner.model.graph.nodes.map((node) => node.opType);
    for (const position of opTypes.keys()) {
      const kept = new Set(opTypes.keys());
      kept.delete(position);
      const part = closeBody(view, keepNodes(view.inner, values, kept)!, values)!;
      expect(await complaint(part)).toBeUndefined();
      expect(graphDomain.size(part)).toBe(graphDomain.size(whole) - 1);
      expect(placesIn(part.model.graph)).toHaveLength(1);
    }
  });

  test('cannot be given other values of its inputs', async () => {
    const whole = loopCase();
    const [place] = placesIn(whole.model.graph);
    const view = openBody(whole, await contextOf().values(whole), place!)!;
    const inputs = new Map([...view.inner.inputs, ['state', floats('state', [4, 5], () => 0)]]);
    expect(closeBody(view, { ...view.inner, inputs }, new Map())).toBeUndefined();
  });

  test('has sizes that are chosen together with those around it', async () => {
    const { best, complaints } = await reduceInside(loopCase(), () => true, [shrinkDims]);
    expect(complaints).toEqual([]);
    expect([...best.inputs.values()].map(({ dims }) => dims)).toEqual([
      [1, 1],
      [1, 1],
    ]);
    const values = await valuesInside(best, contextOf());
    expect(values.get('Neg:0')?.dims).toEqual([1, 1]);
  });

  test('may end up empty', async () => {
    const { best, complaints } = await reduceInside(loopCase(), () => true, [inside(deleteNodes)]);
    expect(complaints).toEqual([]);
    expect(allGraphs(best.model.graph)[1]!.nodes).toEqual([]);
  });
});

test('the rows that a Scan goes through become fewer', async () => {
  const initial = caseOf((graph) => {
    const body = graph.subgraph('body');
    const state = body.input('state', 'float32', [3]);
    const row = body.input('row', 'float32', [3]);
    const unread = body.input('unread', 'float32', [3]);
    expect(unread).toBe('unread');
    body.output(body.add('Add', [state, row]), 'float32', [3]);
    body.output(body.add('Sin', [row]), 'float32', [3]);
    const start = graph.add('Abs', [graph.input('x', 'float32', [3])]);
    const rows = graph.input('rows', 'float32', [3, 6]);
    const others = graph.input('others', 'float32', [3, 6]);
    const results = graph.addMany('Scan', [start, rows, others], 2, {
      body: body.toGraph(),
      num_scan_inputs: 2,
      scan_input_axes: [1, -1],
      scan_output_axes: [1],
    });
    graph.output(results[0]!, 'float32', [3]);
    graph.output(results[1]!, 'float32', [3, 6]);
  });
  const { best, complaints } = await reduceInside(initial, ({ nodes }) =>
    nodes.some(({ opType }) => opType === 'Sin'),
  );
  expect(complaints).toEqual([]);
  const [scan, ...others] = best.model.graph.nodes;
  expect(others).toEqual([]);
  expect(scan!.opType).toBe('Scan');
  expect(scan!.inputs).toHaveLength(1);
  expect(best.model.graph.initializers.map(({ dims }) => dims)).toEqual([[1, 1]]);
});
