/**
 * Every intermediate value of a model, from one run with all of them as outputs. When that run fails or kills its process, the
 * longest run of nodes from the start that does not.
 */
import type { OnnxTensor } from '../../onnx/index.ts';
import type { GraphCase } from './graph-case.ts';
import type { Values } from './graph-cut.ts';
import { fromTrial, trialRequest } from './graph-oracle.ts';
import type { Setup } from './trial-messages.ts';
import type { TrialPool } from './trial-pool.ts';

/** The first nodes of a model, all their results as outputs. */
function exposedPrefix(testCase: GraphCase, count: number): GraphCase {
  const { model, inputs } = testCase;
  const nodes = model.graph.nodes.slice(0, count);
  const outputs = nodes.flatMap((node) =>
    node.outputs.filter((name) => name !== '').map((name) => ({ name })),
  );
  return { model: { ...model, graph: { ...model.graph, nodes, outputs } }, inputs };
}

export interface Capture {
  readonly values: Values;
  /** Nodes whose values are known, from the start. */
  readonly nodes: number;
}

/** Runs the model in a set-up that is believed to work. */
export async function captureValues(
  testCase: GraphCase,
  pool: TrialPool,
  setup: Setup,
  limitMs: number,
): Promise<Capture> {
  const { graph } = testCase.model;
  const outside = new Map<string, OnnxTensor>(graph.initializers.map((tensor) => [tensor.name, tensor]));
  for (const [name, tensor] of testCase.inputs) outside.set(name, tensor);

  async function capture(count: number): Promise<Values | undefined> {
    if (count === 0) return outside;
    const request = trialRequest(
      exposedPrefix(testCase, count),
      { reference: setup },
      { relative: 0, absolute: 0 },
    );
    const outcome = await pool.run({ ...request, wantsValues: true }, limitMs);
    if (outcome.kind === 'died' || outcome.report.reference?.kind !== 'ok') return undefined;
    const values = new Map(outside);
    for (const tensor of outcome.report.values ?? []) values.set(tensor.name, fromTrial(tensor));
    return values;
  }

  const all = await capture(graph.nodes.length);
  if (all !== undefined) return { values: all, nodes: graph.nodes.length };
  let best: Values = outside;
  let low = 0;
  let high = graph.nodes.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const values = await capture(middle);
    if (values === undefined) high = middle - 1;
    else {
      best = values;
      low = middle;
    }
  }
  return { values: best, nodes: low };
}
