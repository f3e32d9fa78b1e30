/** Live bugs of onnxruntime inside random graphs: each becomes its known minimum, the right optimizer pass is named. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { buggyModel, onnxBugs, type OnnxBug } from '../../../bench/onnx-bugs.ts';
import type { MinifyOnnxResult } from '../../../src/minifier/graph/minify-onnx.ts';
import { checkModel } from '../../../src/onnx/index.ts';
import { searchesOf, timeoutMs } from './searches.ts';

const maxTrials = 120;
const { minify: search } = searchesOf('bugs');

function minify(bug: OnnxBug, nodeCount: number, seed: number, jobs = 1): Promise<MinifyOnnxResult> {
  const { model, inputs } = buggyModel(bug, nodeCount, seed);
  return search({ input: bug.name, model, inputs, jobs, outputDirectory: `${bug.name}-${jobs}` });
}

describe.each(onnxBugs.map((bug) => [bug.title, bug] as const))('%s', (_, bug) => {
  test(
    'becomes its minimum; the pass to blame is named; the repro fails in a fresh process',
    async () => {
      const result = await minify(bug, 100, 1);
      expect(result.sizeBefore).toBeGreaterThanOrEqual(100);
      expect(result.sizeAfter).toBeLessThanOrEqual(bug.minimum + 1);
      expect(result.trials).toBeLessThanOrEqual(maxTrials);
      const isNamed = bug.culprits.some((name) => result.introducedBy.startsWith(`onnxruntime ${name} `));
      expect(isNamed).toBe(bug.culprits.length > 0);
      expect(result.end).toBe('fixed-point');
      expect(result.isVerified).toBe(true);
      expect(checkModel(result.best.model)).toEqual([]);
      const report = readFileSync(join(result.directory!, 'README.md'), 'utf8');
      expect(report).toContain(`Introduced by: ${result.introducedBy}`);
    },
    timeoutMs,
  );
});

test(
  'two jobs find what one finds',
  async () => {
    const bug = onnxBugs.find(({ name }) => name === 'layer-norm-keepdims')!;
    const one = await minify(bug, 60, 2, 1);
    const two = await minify(bug, 60, 2, 2);
    expect(two.best.model).toEqual(one.best.model);
    expect(two.candidates).toBe(one.candidates);
  },
  timeoutMs,
);
