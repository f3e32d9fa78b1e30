/** Independent small changes of a test case: all at once in one trial, and one by one where that does not fail. */
import type { OnnxNode, OnnxTensor } from '../../onnx/index.ts';
import type { GraphCase } from './graph-case.ts';
import { withGraph, type GraphProblem } from './graph-context.ts';

/** A change; undefined when it does not apply (any more). */
export type GraphEdit = (testCase: GraphCase) => GraphCase | undefined;

/** The test case with every change that applies. */
export function applyEdits(testCase: GraphCase, edits: readonly GraphEdit[]): GraphCase | undefined {
  let changed: GraphCase | undefined;
  for (const edit of edits) changed = edit(changed ?? testCase) ?? changed;
  return changed;
}

/**
 * Makes those changes that the failure survives.
 * @param onAccepted is told the test case before and after.
 */
export async function acceptEdits(
  problem: GraphProblem,
  pass: string,
  edits: readonly GraphEdit[],
  onAccepted: (before: GraphCase, after: GraphCase) => void = () => {},
): Promise<void> {
  async function attempt(part: readonly GraphEdit[]): Promise<boolean> {
    const before = problem.best;
    const isAccepted = await problem.accepts(pass, applyEdits(before, part));
    if (isAccepted) onAccepted(before, problem.best);
    return isAccepted;
  }
  // With two, the one trial more costs as often as it saves.
  if (edits.length > 2 && (await attempt(edits))) return;
  for (const edit of edits) await attempt([edit]);
}

/** The test case with a tensor of an input or a constant replaced. */
export function withTensor(testCase: GraphCase, name: string, tensor: OnnxTensor): GraphCase {
  if (testCase.inputs.has(name)) {
    return { ...testCase, inputs: new Map([...testCase.inputs, [name, tensor]]) };
  }
  const { initializers } = testCase.model.graph;
  return withGraph(testCase, {
    initializers: initializers.map((each) => (each.name === name ? tensor : each)),
  });
}

/** The test case with the node at a position replaced. */
export function withNode(testCase: GraphCase, position: number, node: OnnxNode): GraphCase {
  const { nodes } = testCase.model.graph;
  return withGraph(testCase, { nodes: nodes.map((each, at) => (at === position ? node : each)) });
}
