/** Constant nodes become initializers: they are data, not nodes. */
import type { OnnxTensor } from '../../../onnx/index.ts';
import { defineGraphPass, withGraph, type GraphPass } from '../graph-context.ts';

export const constantsToInitializers: GraphPass = defineGraphPass({
  name: 'constants-to-initializers',
  title: 'constants as data',
  tier: 0,
  run: async (problem, context) => {
    const { best } = problem;
    const { nodes, initializers } = best.model.graph;
    const made: OnnxTensor[] = [];
    const kept = nodes.filter((node) => {
      const value = node.attributes['value'];
      if (node.opType !== 'Constant' || value?.kind !== 'tensor') return true;
      made.push({ ...value.value, name: node.outputs[0]! });
      return false;
    });
    if (made.length === 0 || kept.length === 0) return;
    const testCase = withGraph(best, { nodes: kept, initializers: [...initializers, ...made] });
    context.inherit(testCase, best);
    await problem.accepts('constants-to-initializers', testCase);
  },
});
