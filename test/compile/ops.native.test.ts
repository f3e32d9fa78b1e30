import { describe, expect, test } from 'vitest';
import { closureMaker } from '../../src/compile/javascript/index.ts';
import type { OpDefinition, OpSample } from '../../src/compile/ops/define-op.ts';
import { opTable } from '../../src/compile/ops/index.ts';
import { formatType } from '../../src/ir/tensor-type.ts';
import {
  describeSample,
  firstDifference,
  runClosures,
  runEager,
  runLowered,
  type SampleResult,
} from '../support/op-samples.ts';

const lowered = [...opTable.values()].filter((definition) => definition.lower !== undefined);

function check(
  definition: OpDefinition,
  run: (sample: OpSample) => readonly SampleResult[] | undefined,
): void {
  test.each(definition.samples.map((sample) => ({ title: describeSample(sample), sample })))(
    '$title',
    ({ sample }) => {
      const actual = run(sample);
      // These dtypes or attributes have no such form: they run elsewhere.
      if (actual === undefined) return;
      const expected = runEager(definition, sample);
      expect(actual.map(formatType)).toEqual(expected.map(formatType));
      for (const [output, result] of actual.entries())
        expect(firstDifference(result, expected[output]!, definition.tolerance)).toBeUndefined();
    },
  );
}

describe.each(lowered)('$kernel on onnxruntime computes what the cpu kernel does', (definition) => {
  check(definition, (sample) => runLowered(definition, sample, 'fixed'));
});

describe.each(lowered)('$kernel computes the same with every size and constant left open', (definition) => {
  check(definition, (sample) => runLowered(definition, sample, 'open'));
});

const inJavaScript = [...opTable.values()].filter(
  ({ kernel, filling }) => closureMaker(kernel) !== undefined || filling !== undefined,
);

describe.each(inJavaScript)('$kernel in JavaScript computes what the cpu kernel does', (definition) => {
  check(definition, (sample) => runClosures(definition, sample));

  test('takes more than half of its samples with elements', () => {
    const samples = definition.samples.filter(({ inputs }) => !inputs.some((x) => x?.shape.includes(0)));
    const taken = samples.filter((sample) => runClosures(definition, sample) !== undefined);
    expect(taken.length).toBeGreaterThan(samples.length / 2);
  });
});
