/**
 * Whether a model is well formed, as far as that can be said without knowing operators: single assignment, definition
 * before use through nested graphs, imported domains, and tensors as long as their dims say.
 */
import { arrayLength } from './data-type.ts';
import {
  normalDomain,
  type OnnxFunction,
  type OnnxGraph,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
} from './model.ts';
import { isNumeric, tensorElements } from './tensor-codec.ts';

export interface ModelProblem {
  readonly message: string;
  /** Name of the node it concerns, or its operator when it has no name. */
  readonly node?: string;
}

interface Checker {
  readonly problems: ModelProblem[];
  readonly domains: ReadonlySet<string>;
}

/** Names of values, with those of the graphs around. */
class Scope {
  readonly #names = new Set<string>();
  readonly #outer: Scope | undefined;

  constructor(outer?: Scope) {
    this.#outer = outer;
  }

  has(name: string): boolean {
    return this.#names.has(name) || (this.#outer?.has(name) ?? false);
  }

  /** @returns whether the name was new. */
  add(name: string): boolean {
    const isNew = !this.has(name);
    this.#names.add(name);
    return isNew;
  }
}

function checkTensor(tensor: OnnxTensor, checker: Checker): void {
  const elements = tensorElements(tensor.dims);
  const needed = isNumeric(tensor.data) ? arrayLength(tensor.dataType, elements) : elements;
  if (tensor.data.length !== needed) {
    const dims = tensor.dims.join();
    checker.problems.push({
      message: `tensor ${tensor.name || '(unnamed)'} of dims [${dims}] holds ${tensor.data.length} values, not ${needed}`,
    });
  }
}

function checkNodes(nodes: readonly OnnxNode[], scope: Scope, checker: Checker): void {
  for (const node of nodes) {
    const name = node.name || node.opType;
    const report = (message: string): void => void checker.problems.push({ message, node: name });
    if (node.opType === '') report('a node has no operator');
    if (!checker.domains.has(normalDomain(node.domain))) report(`domain ${node.domain} is not imported`);
    for (const input of node.inputs) {
      if (input !== '' && !scope.has(input)) report(`input ${input} is not defined before`);
    }
    for (const attribute of Object.values(node.attributes)) {
      if (attribute.kind === 'graph') checkGraph(attribute.value, scope, checker);
      if (attribute.kind === 'graphs') for (const graph of attribute.value) checkGraph(graph, scope, checker);
      if (attribute.kind === 'tensor') checkTensor(attribute.value, checker);
    }
    for (const output of node.outputs) {
      if (output !== '' && !scope.add(output)) report(`output ${output} is defined twice`);
    }
  }
}

function checkGraph(graph: OnnxGraph, outer: Scope | undefined, checker: Checker): void {
  const scope = new Scope(outer);
  const inputs = new Set<string>();
  for (const { name } of graph.inputs) {
    inputs.add(name);
    if (!scope.add(name)) checker.problems.push({ message: `input ${name} is defined twice` });
  }
  const initializers = [
    ...graph.initializers,
    ...(graph.sparseInitializers ?? []).map((sparse) => sparse.values),
  ];
  const seen = new Set<string>();
  for (const tensor of initializers) {
    // An initializer may give an input its default.
    const isDefault = inputs.has(tensor.name) && !seen.has(tensor.name);
    seen.add(tensor.name);
    if (!scope.add(tensor.name) && !isDefault)
      checker.problems.push({ message: `initializer ${tensor.name} is defined twice` });
  }
  for (const tensor of graph.initializers) checkTensor(tensor, checker);
  checkNodes(graph.nodes, scope, checker);
  const outputs = new Set<string>();
  for (const { name } of graph.outputs) {
    if (!scope.has(name)) checker.problems.push({ message: `output ${name} is not defined` });
    if (outputs.has(name)) checker.problems.push({ message: `output ${name} is listed twice` });
    outputs.add(name);
  }
}

function checkFunction(definition: OnnxFunction, checker: Checker): void {
  const scope = new Scope();
  for (const input of definition.inputs) {
    if (!scope.add(input))
      checker.problems.push({ message: `function ${definition.name}: input ${input} is listed twice` });
  }
  const domains = new Set(definition.opsets.map(({ domain }) => normalDomain(domain)));
  checkNodes(definition.nodes, scope, { problems: checker.problems, domains });
  for (const output of definition.outputs) {
    if (!scope.has(output))
      checker.problems.push({ message: `function ${definition.name}: output ${output} is not defined` });
  }
}

/** What is wrong with the structure of a model; empty when nothing is. */
export function checkModel(model: OnnxModel): readonly ModelProblem[] {
  const checker: Checker = {
    problems: [],
    domains: new Set(model.opsets.map(({ domain }) => normalDomain(domain))),
  };
  checkGraph(model.graph, undefined, checker);
  for (const definition of model.functions ?? []) checkFunction(definition, checker);
  return checker.problems;
}
