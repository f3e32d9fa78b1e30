/**
 * A reference that shares nothing with any runtime: ONNX operators as their specification says, one after the other, in
 * double precision. Slow and plain on purpose. Knows the numeric operators that networks are made of; a model with another one is refused,
 * and then nobody judges.
 */
import {
  normalDomain,
  type OnnxGraph,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
} from '../../../onnx/index.ts';
import { Unsupported, type Cells } from './cells.ts';
import { elementwise } from './elementwise.ts';
import { Operation, Work, type Evaluate } from './operation.ts';
import { shaping, toCells } from './shaping.ts';
import { sums } from './sums.ts';

const operators: ReadonlyMap<string, Evaluate> = new Map(
  Object.entries({ ...elementwise, ...shaping, ...sums }),
);

/** Operators of ONNX's own domain that the evaluator knows; `If` among them. */
export const evaluatedOperators: readonly string[] = [...operators.keys(), 'If'].sort();

type Scope = Map<string, Cells>;

function opsetOf(model: OnnxModel): number {
  return model.opsets.find(({ domain }) => normalDomain(domain) === '')?.version ?? 1;
}

function readInitializers(graph: OnnxGraph, scope: Scope): void {
  for (const tensor of graph.initializers)
    if (!scope.has(tensor.name)) scope.set(tensor.name, toCells(tensor));
}

function branchOf(node: OnnxNode, scope: Scope, opset: number, work: Work): readonly Cells[] {
  const condition = scope.get(node.inputs[0]!);
  const branch = node.attributes[condition?.data[0] === 0 ? 'else_branch' : 'then_branch'];
  if (condition === undefined || branch?.kind !== 'graph') throw new Unsupported('this If');
  const inner: Scope = new Map(scope);
  for (const tensor of branch.value.initializers) inner.set(tensor.name, toCells(tensor));
  runNodes(branch.value.nodes, inner, opset, work);
  return branch.value.outputs.map((info) => inner.get(info.name)!);
}

function resultsOf(node: OnnxNode, scope: Scope, opset: number, work: Work): readonly Cells[] {
  const isOwn = normalDomain(node.domain) === '';
  if (isOwn && node.opType === 'If') return branchOf(node, scope, opset, work);
  const evaluate = isOwn ? operators.get(node.opType) : undefined;
  if (evaluate === undefined)
    throw new Unsupported(`${node.domain === '' ? '' : `${node.domain}.`}${node.opType}`);
  const operands = node.inputs.map((name) => (name === '' ? undefined : scope.get(name)));
  return evaluate(new Operation(node, operands, opset, work));
}

function runNodes(nodes: readonly OnnxNode[], scope: Scope, opset: number, work: Work): void {
  for (const node of nodes) {
    const results = resultsOf(node, scope, opset, work);
    for (const { data } of results) work.spend(data.length);
    for (const [index, name] of node.outputs.entries()) {
      if (name === '') continue;
      const result = results[index];
      if (result === undefined) throw new Unsupported(`result ${index} of ${node.opType}`);
      scope.set(name, result);
    }
  }
}

/**
 * Outputs of a model, in order, with their element types; numbers are doubles.
 * @throws Unsupported for what the evaluator does not know.
 */
export function evaluateModel(
  model: OnnxModel,
  inputs: Iterable<Pick<OnnxTensor, 'name' | 'dataType' | 'dims' | 'data'>>,
): (Cells & { readonly name: string })[] {
  const scope: Scope = new Map();
  for (const input of inputs) scope.set(input.name, toCells(input));
  readInitializers(model.graph, scope);
  runNodes(model.graph.nodes, scope, opsetOf(model), new Work());
  return model.graph.outputs.map(({ name }) => {
    const value = scope.get(name);
    if (value === undefined) throw new Unsupported(`output ${name}`);
    return { name, ...value };
  });
}
