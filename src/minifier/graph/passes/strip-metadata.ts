/** What is carried along without meaning anything: texts, metadata, types in between, functions and operator sets nobody uses. */
import { normalDomain, type OnnxGraph, type OnnxModel, type OnnxNode } from '../../../onnx/index.ts';
import type { GraphCase } from '../graph-case.ts';
import { defineGraphPass, type GraphPass } from '../graph-context.ts';
import { mapGraphs } from '../bodies/rename-values.ts';
import { allNodes } from '../graph-uses.ts';

const name = 'strip-metadata';

function bareNode(node: OnnxNode): OnnxNode {
  const { docString: _, metadata: __, ...bare } = node;
  return mapGraphs(bare, bareGraph);
}

function bareGraph(graph: OnnxGraph): OnnxGraph {
  const { valueInfos: _, docString: __, metadata: ___, ...bare } = graph;
  return { ...bare, nodes: graph.nodes.map(bareNode) };
}

function bareModel(model: OnnxModel): OnnxModel {
  const { graph } = model;
  const used = new Set(allNodes(graph.nodes).map(({ domain, opType }) => `${domain}:${opType}`));
  const functions = (model.functions ?? []).filter((each) => used.has(`${each.domain}:${each.name}`));
  const nodes = [...allNodes(graph.nodes), ...functions.flatMap((each) => allNodes(each.nodes))];
  const domains = new Set(['', ...nodes.map(({ domain }) => normalDomain(domain))]);
  return {
    irVersion: model.irVersion,
    opsets: model.opsets.filter(({ domain }) => domains.has(normalDomain(domain))),
    ...(functions.length > 0 && { functions }),
    graph: bareGraph(graph),
  };
}

export const stripMetadata: GraphPass = defineGraphPass({
  name,
  title: 'metadata',
  tier: 1,
  run: async (problem, context) => {
    const { best } = problem;
    const testCase: GraphCase = { ...best, model: bareModel(best.model) };
    context.inherit(testCase, best);
    await problem.accepts(name, testCase);
  },
});
