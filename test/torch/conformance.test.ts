/** The small logs of `npm run conformance:torch`, where they lie beside the repository; else our own fixture. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { foldTrace } from '../../src/torch/fold-trace.ts';
import { breaksOf, findSubjects, isEqual, runSubject, sharedTraces } from './support/ground-truth.ts';

const maxBytes = 1024 * 1024;
const small = findSubjects(sharedTraces).filter((subject) => statSync(subject.path).size <= maxBytes);

test('our own fixture has the breaks that were written into it', async () => {
  const trace = await foldTrace([
    join(import.meta.dirname, '..', '..', 'fixtures', 'traces', 'torch-two-ranks'),
  ]);
  const sites = breaksOf(trace).map((event) => `${event.id} ${event.site?.line}`);
  expect(sites).toEqual([
    'GB0170 14',
    'GB0170 14',
    'GB0142 42',
    'GB0170 14',
    'GB0059 18',
    'GB0170 14',
    'GB0142 42',
  ]);
});

test.each(small.map((subject) => [subject.name, subject] as const))(
  '%s agrees with tlparse and PyTorch',
  async (_, subject) => {
    const checks = await runSubject(subject);
    expect(checks.filter((check) => !isEqual(check))).toEqual([]);
    expect(checks.length).toBeGreaterThan(20);
  },
);
