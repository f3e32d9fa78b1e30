import { describe, expect, test } from 'vitest';
import type { OpDefinition } from '../../src/compile/ops/define-op.ts';
import { opTable } from '../../src/compile/ops/index.ts';
import { formatType } from '../../src/ir/tensor-type.ts';
import {
  describeSample,
  firstDifference,
  runEager,
  runLowered,
  type SampleGenerality,
} from '../support/op-samples.ts';

const lowered = [...opTable.values()].filter((definition) => definition.lower !== undefined);

function check(definition: OpDefinition, generality: SampleGenerality): void {
  test.each(definition.samples.map((sample) => ({ title: describeSample(sample), sample })))(
    '$title',
    ({ sample }) => {
      const actual = runLowered(definition, sample, generality);
      // These dtypes or attributes have no ONNX form: the executable runs the cpu kernel itself.
      if (actual === undefined) return;
      const expected = runEager(definition, sample);
      expect(actual.map(formatType)).toEqual(expected.map(formatType));
      for (const [output, result] of actual.entries())
        expect(firstDifference(result, expected[output]!, definition.tolerance)).toBeUndefined();
    },
  );
}

describe.each(lowered)('$kernel on onnxruntime computes what the cpu kernel does', (definition) => {
  check(definition, 'fixed');
});

describe.each(lowered)('$kernel computes the same with every size and constant left open', (definition) => {
  check(definition, 'open');
});
