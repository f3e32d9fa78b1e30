/** Attributes that may be left out: the operator then takes ONNX's default. */
import { acceptEdits, withNode, type GraphEdit } from '../graph-edits.ts';
import { defineGraphPass, type GraphPass } from '../graph-context.ts';

const name = 'default-attributes';

/** Attributes that have no default. */
const required: Readonly<Record<string, readonly string[]>> = {
  Cast: ['to'],
  BitShift: ['direction'],
  Concat: ['axis'],
  ConcatFromSequence: ['axis'],
  Constant: ['value', 'value_float', 'value_int', 'value_floats', 'value_ints'],
  Einsum: ['equation'],
  AveragePool: ['kernel_shape'],
  LpPool: ['kernel_shape'],
  LRN: ['size'],
  MaxPool: ['kernel_shape'],
  MaxRoiPool: ['pooled_shape'],
  MaxUnpool: ['kernel_shape'],
  SpaceToDepth: ['blocksize'],
  DepthToSpace: ['blocksize'],
  If: ['then_branch', 'else_branch'],
  Loop: ['body'],
  Scan: ['body', 'num_scan_inputs'],
};

function withoutAttribute(position: number, key: string): GraphEdit {
  return (testCase) => {
    const node = testCase.model.graph.nodes[position];
    if (node?.attributes[key] === undefined) return undefined;
    const { [key]: _, ...attributes } = node.attributes;
    return withNode(testCase, position, { ...node, attributes });
  };
}

export const defaultAttributes: GraphPass = defineGraphPass({
  name,
  title: 'attributes',
  tier: 1,
  run: async (problem) => {
    const edits = problem.best.model.graph.nodes.flatMap((node, position) => {
      const optional = Object.keys(node.attributes).filter(
        (key) => required[node.opType]?.includes(key) !== true,
      );
      return optional.map((key) => withoutAttribute(position, key));
    });
    await acceptEdits(problem, name, edits);
  },
});
