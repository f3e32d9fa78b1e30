import { expect, test } from 'vitest';
import { formatAttempt, formatCompileId, parseEnvelope } from '../../src/torch/compile-id.ts';
import { epochToStampMs, stampMs, zoneOffsetMs } from '../../src/torch/stamp.ts';

test.each([
  ['0/1', { frame: 0, frameCompile: 1 }],
  ['!2/0/1', { compiledAutograd: 2, frame: 0, frameCompile: 1 }],
  ['!2', { compiledAutograd: 2 }],
  ['-/-', {}],
])('%s is written as torch writes it', (text, id) => {
  expect(formatCompileId(id)).toBe(text);
});

test('attempts show from the second on', () => {
  expect(formatAttempt({ frame: 0, frameCompile: 1 }, 0)).toBe('[0/1]');
  expect(formatAttempt({ frame: 0, frameCompile: 1 }, 2)).toBe('[0/1_2]');
});

test('of several kinds in one record the known one counts', () => {
  const envelope = parseEnvelope(
    { novelty: 1, link: { url: 'u' }, rank: 3, frame_id: 1, frame_compile_id: 0, attempt: null },
    (kind) => kind === 'link',
  );
  expect(envelope).toMatchObject({
    kind: 'link',
    extra: ['novelty'],
    rank: 3,
    attempt: 0,
    id: { frame: 1, frameCompile: 0 },
  });
});

test('stamps and event times are on one clock', () => {
  const epoch = Date.UTC(2026, 10, 20, 9, 0, 1, 500);
  expect(stampMs('1120 09:00:01.500000')).toBe(epochToStampMs(epoch));
  expect(stampMs('0301 00:00:00.000000') - stampMs('0228 00:00:00.000000')).toBe(2 * 86_400_000);
  expect(zoneOffsetMs(stampMs('1120 01:00:01.700000'), epoch)).toBe(-8 * 3_600_000);
});
