/**
 * A pass, run on the graphs inside nodes: the problem that it sees is one such graph, its candidates are put back into the whole
 * before they are asked. (Shrink Ray's formats do the same for files inside files.) Innermost graphs come last.
 */
import type { OnnxTensor } from '../../../onnx/index.ts';
import { InternalError } from '../../../ir/errors.ts';
import type { Candidate } from '../../problem.ts';
import type { GraphCase } from '../graph-case.ts';
import { defineGraphPass, type GraphContext, type GraphPass, type GraphProblem } from '../graph-context.ts';
import type { Values } from '../graph-cut.ts';
import { closeBody, openBody, placesIn, type Place } from './body-view.ts';

interface Part {
  readonly problem: GraphProblem;
  readonly context: GraphContext;
}

const noValues: Values = new Map();

/** The graph at a place as a problem of its own; undefined when it cannot be looked into. */
async function partOf(whole: GraphProblem, context: GraphContext, place: Place): Promise<Part | undefined> {
  const values = await context.values(whole.best);
  const inputs = new Map<string, OnnxTensor>();
  const first = openBody(whole.best, values, place, inputs);
  if (first === undefined) return undefined;
  let view = first;
  let recorded = noValues;

  const problem: GraphProblem = {
    get best() {
      return view.inner;
    },
    firstFailing: async <C extends Candidate<GraphCase>>(
      pass: string,
      candidates: Iterable<C | undefined>,
    ): Promise<C | undefined> => {
      const put = function* (): Generator<{ testCase: GraphCase; inner: C } | undefined> {
        for (const inner of candidates) {
          const testCase = inner && closeBody(view, inner.testCase, recorded);
          yield testCase && { testCase, inner };
        }
      };
      const hit = await whole.firstFailing(pass, put());
      if (hit === undefined) return undefined;
      const next = openBody(whole.best, values, place, inputs);
      if (next === undefined)
        throw new InternalError('a graph was lost that a candidate had', { code: 'FG9004' });
      context.follow(next.inner, hit.inner.testCase);
      view = next;
      return hit.inner;
    },
    accepts: async (pass, testCase) =>
      testCase !== undefined && (await problem.firstFailing(pass, [{ testCase }])) !== undefined,
  };
  return {
    problem,
    context: {
      ...context,
      isInside: true,
      values: async (testCase) => {
        const found = await context.values(testCase);
        if (testCase === view.inner) recorded = found;
        return found;
      },
    },
  };
}

async function runInside(pass: GraphPass, whole: GraphProblem, context: GraphContext): Promise<void> {
  for (const place of placesIn(whole.best.model.graph)) {
    const part = await partOf(whole, context, place);
    if (part === undefined) continue;
    await pass.run(part.problem, part.context);
    await runInside(pass, part.problem, part.context);
  }
}

/** The pass for the graphs inside nodes. */
export function inside(pass: GraphPass): GraphPass {
  return defineGraphPass({
    ...pass,
    name: `${pass.name}-inside`,
    title: `${pass.title} inside If, Loop and Scan`,
    run: (problem, context) => runInside(pass, problem, context),
  });
}

/** Values of a test case and of the graphs inside its nodes, where they can be looked into. */
export async function valuesInside(testCase: GraphCase, context: GraphContext): Promise<Values> {
  const values = await context.values(testCase);
  const all = new Map(values);
  for (const place of placesIn(testCase.model.graph)) {
    const view = openBody(testCase, values, place);
    if (view === undefined) continue;
    for (const [name, tensor] of await valuesInside(view.inner, context))
      if (!all.has(name)) all.set(name, tensor);
  }
  return all;
}
