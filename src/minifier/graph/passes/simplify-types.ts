/** Simpler element types, each wherever it stands at once: other floats become float32, other integers int32. */
import type { OnnxDataType } from '../../../onnx/index.ts';
import { convertCase } from '../convert-types.ts';
import type { GraphCase } from '../graph-case.ts';
import { acceptEdits, type GraphEdit } from '../graph-edits.ts';
import { defineGraphPass, type GraphPass } from '../graph-context.ts';
import { allGraphs } from '../graph-uses.ts';

const name = 'simplify-types';

const simpler: Readonly<Partial<Record<OnnxDataType, OnnxDataType>>> = {
  float64: 'float32',
  float16: 'float32',
  bfloat16: 'float32',
  int8: 'int32',
  int16: 'int32',
  uint16: 'int32',
  uint32: 'int32',
  uint64: 'int32',
};

function typesOf({ model, inputs }: GraphCase): Set<OnnxDataType> {
  const constants = allGraphs(model.graph).flatMap(({ initializers }) => initializers);
  return new Set([...inputs.values(), ...constants].map(({ dataType }) => dataType));
}

export const simplifyTypes: GraphPass = defineGraphPass({
  name,
  title: 'element types',
  tier: 1,
  run: (problem) => {
    const edits = [...typesOf(problem.best)].flatMap((type): GraphEdit[] => {
      const to = simpler[type];
      return to === undefined ? [] : [(testCase) => convertCase(testCase, type, to)];
    });
    return acceptEdits(problem, name, edits);
  },
});
