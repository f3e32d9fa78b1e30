/** The records of a short search, and the state that they lead to. */
import type { MinifyRecord } from '../../../src/ir/record.ts';
import { createMinifyFold, type MinifyModel } from '../../../src/ui/live/minify-model.ts';

export const searchStart: MinifyRecord = {
  kind: 'minify-start',
  timeMs: 100,
  input: 'train.mjs',
  signature: 'crash: RangeError',
  size: 1000,
  unit: 'tokens',
};

function trial(timeMs: number, pass: string, size: number, isAccepted: boolean): MinifyRecord[] {
  const outcome = isAccepted ? 'accepted' : 'rejected';
  const records: MinifyRecord[] = [{ kind: 'minify-trial', timeMs, pass, size, outcome, durationMs: 10 }];
  if (isAccepted) records.push({ kind: 'minify-best', timeMs, size, text: `program of ${size}\nline 2` });
  return records;
}

export const searchRecords: readonly MinifyRecord[] = [
  searchStart,
  ...trial(200, 'delete', 500, true),
  ...trial(300, 'delete', 400, false),
  ...trial(400, 'inline', 10, true),
  { kind: 'minify-slip', timeMs: 450, signature: 'nan: Log', text: 'another program' },
];

export const searchEnd: MinifyRecord = {
  kind: 'minify-end',
  timeMs: 500,
  size: 10,
  trials: 3,
  directory: '/tmp/repro',
  verified: true,
};

export function searchModel(
  records: readonly MinifyRecord[],
  values?: string,
  phase?: 'paused' | 'stopping',
): MinifyModel {
  const fold = createMinifyFold('train.mjs', values);
  for (const record of records) fold.add(record);
  if (phase !== undefined) fold.setPhase(phase);
  return fold.model();
}
