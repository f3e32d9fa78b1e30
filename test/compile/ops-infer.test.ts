import { describe, expect, test } from 'vitest';
import { opTable } from '../../src/compile/ops/index.ts';
import { formatType } from '../../src/ir/tensor-type.ts';
import { describeSample, runEager, sampleTypes } from '../support/op-samples.ts';

describe.each([...opTable.values()].filter(({ samples }) => samples.length > 0))(
  'infer of $kernel answers what the cpu kernel returns',
  (definition) => {
    test.each(definition.samples.map((sample) => ({ title: describeSample(sample), sample })))(
      '$title',
      ({ sample }) => {
        const inferred = definition.infer(sampleTypes(sample), sample.attributes ?? {});
        const actual = runEager(definition, sample);
        // Not inferred: the sizes depend on data, or the dtypes are left to eager.
        if (inferred === undefined) expect(definition.isEager).toBe(true);
        else expect(inferred.map(formatType)).toEqual(actual.map(formatType));
      },
    );
  },
);
