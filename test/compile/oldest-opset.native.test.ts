/** What models in the oldest opset compute, against the same models in the newest: each sample of each lowered kernel. */
import { describe, expect, test } from 'vitest';
import { buildModel } from '../../src/compile/build-model.ts';
import { inOldestOpset } from '../../src/compile/oldest-opset.ts';
import type { OpDefinition, OpSample } from '../../src/compile/ops/define-op.ts';
import { opTable } from '../../src/compile/ops/index.ts';
import { formatType, sameContents } from '../../src/ir/tensor-type.ts';
import {
  describeSample,
  firstDifference,
  runLowered,
  type SampleGenerality,
  type SampleResult,
  type ToModel,
} from '../support/op-samples.ts';

const lowered = [...opTable.values()].filter((definition) => definition.lower !== undefined);

/** onnxruntime adds averages up in another order since they can be dilated. */
const reordered: ReadonlySet<string> = new Set(['AvgPool', 'AvgPool3D']);
const ulps = { relative: 3e-7, absolute: 3e-7 };

class NoOldestForm extends Error {}

const older: ToModel = (segment, generality) => {
  const newest = buildModel(segment, generality);
  const oldest = inOldestOpset(newest, (result) => segment.results?.get(result)?.type);
  if (oldest === newest) throw new NoOldestForm();
  return oldest;
};

/** What the call gives in the oldest opset; undefined where it has no such form. Refusals of onnxruntime are failures. */
function runOlder(
  definition: OpDefinition,
  sample: OpSample,
  generality: SampleGenerality,
): readonly SampleResult[] | undefined {
  try {
    return runLowered(definition, sample, generality, older);
  } catch (error) {
    if (error instanceof NoOldestForm) return undefined;
    throw new Error(describeSample(sample), { cause: error });
  }
}

describe.each(lowered)('$kernel in the oldest opset', (definition) => {
  test.each<SampleGenerality>(['fixed', 'open'])('gives the bits of the newest, %s', (generality) => {
    for (const sample of definition.samples) {
      const title = describeSample(sample);
      const results = runOlder(definition, sample, generality);
      if (results === undefined) continue;
      const expected = runLowered(definition, sample, generality)!;
      expect(results.map(formatType), title).toEqual(expected.map(formatType));
      for (const [output, result] of results.entries()) {
        const newest = expected[output]!;
        if (reordered.has(definition.kernel))
          expect(firstDifference(result, newest, ulps), title).toBeUndefined();
        else expect(sameContents(result.data, newest.data), title).toBe(true);
      }
    }
  });
});
