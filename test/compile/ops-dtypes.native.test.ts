/** Each sample of each op once more with inputs of other dtypes: what has an ONNX form then must run, and as eager does. */
import { describe, expect, test } from 'vitest';
import type { OpDefinition, OpSample, SampleTensor } from '../../src/compile/ops/define-op.ts';
import { opTable } from '../../src/compile/ops/index.ts';
import { formatType } from '../../src/ir/tensor-type.ts';
import {
  describeSample,
  firstDifference,
  runEager,
  runLowered,
  sampleTypes,
  type SampleResult,
} from '../support/op-samples.ts';

type SampleDtype = SampleTensor['dtype'];
const dtypes: readonly SampleDtype[] = ['float32', 'int32', 'bool'];

function convert(tensor: SampleTensor, dtype: SampleDtype): SampleTensor {
  if (tensor.dtype === dtype || tensor.values === undefined) return { ...tensor, dtype };
  const values = tensor.values.map((value) =>
    dtype === 'bool' ? Number(value > 0) : Math.trunc(value) || 0,
  );
  return { ...tensor, dtype, values };
}

/** All inputs with one dtype, and each input with each dtype. */
function variants(sample: OpSample): OpSample[] {
  const changes = dtypes.flatMap((dtype) => [
    sample.inputs.map((tensor) => tensor && convert(tensor, dtype)),
    ...sample.inputs.map((_, changed) =>
      sample.inputs.map((tensor, index) => (tensor && index === changed ? convert(tensor, dtype) : tensor)),
    ),
  ]);
  const byTitle = new Map(
    changes.map((inputs): [string, OpSample] => {
      const variant = { ...sample, inputs };
      return [describeSample(variant), variant];
    }),
  );
  byTitle.delete(describeSample(sample));
  return [...byTitle.values()];
}

function eagerly(definition: OpDefinition, sample: OpSample): readonly SampleResult[] | undefined {
  try {
    return runEager(definition, sample);
  } catch {
    return undefined;
  }
}

function inferred(definition: OpDefinition, sample: OpSample): boolean {
  try {
    return definition.infer(sampleTypes(sample), sample.attributes ?? {}) !== undefined;
  } catch {
    return false;
  }
}

describe('an op with inputs of other dtypes', () => {
  const lowered = [...opTable.values()].filter((definition) => definition.lower !== undefined);
  test.each(lowered.map((definition) => ({ kernel: definition.kernel, definition })))(
    '$kernel',
    ({ definition }) => {
      const problems: string[] = [];
      for (const sample of definition.samples.slice(0, 4).flatMap(variants)) {
        const expected = inferred(definition, sample) ? eagerly(definition, sample) : undefined;
        if (expected === undefined) continue;
        try {
          const actual = runLowered(definition, sample, 'fixed');
          if (actual === undefined) continue;
          expect(actual.map(formatType)).toEqual(expected.map(formatType));
          for (const [output, result] of actual.entries())
            expect(firstDifference(result, expected[output]!, definition.tolerance)).toBeUndefined();
        } catch (error) {
          problems.push(`${describeSample(sample)}: ${(error as Error).message}`);
        }
      }
      expect(problems).toEqual([]);
    },
  );
});
