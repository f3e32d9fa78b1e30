/**
 * The minifier's records as the state of a search: what is being shrunk, the best so far, how each pass does, what else
 * failed on the way. Folding is constant work per record, so that a fast search never waits for who watches it.
 */
import type { MinifyRecord } from '../../ir/record.ts';

export type SearchPhase = 'probing' | 'reducing' | 'paused' | 'stopping' | 'done' | 'failed';

export interface PassRow {
  readonly name: string;
  readonly trials: number;
  readonly accepted: number;
  /** Tokens or nodes that its accepted trials took away. */
  readonly saved: number;
  readonly durationMs: number;
}

export interface WorkerRow {
  readonly worker: number;
  readonly pass: string;
  readonly size: number;
  readonly outcome: TrialOutcome;
  readonly timeMs: number;
}

export interface SizePoint {
  readonly timeMs: number;
  readonly size: number;
}

export type TrialOutcome = Extract<MinifyRecord, { kind: 'minify-trial' }>['outcome'];

export interface MinifyModel {
  readonly phase: SearchPhase;
  readonly input: string;
  /** On which values it runs, in words, where that is not plain. */
  readonly values: string;
  /** How it fails; empty until that is known. */
  readonly signature: string;
  readonly unit: 'tokens' | 'nodes';
  readonly sizeBefore: number;
  readonly size: number;
  /** The best so far. */
  readonly text: string;
  readonly timeMs: number;
  readonly trials: number;
  readonly outcomes: Readonly<Record<TrialOutcome, number>>;
  /** The pass of the last trial. */
  readonly pass: string;
  readonly curve: readonly SizePoint[];
  /** In order of their first trial. */
  readonly passes: readonly PassRow[];
  readonly workers: readonly WorkerRow[];
  /** What each stage of the program or compiler answered. */
  readonly stages: readonly { readonly name: string; readonly verdict: string }[];
  /** Other failures met on the way. */
  readonly slips: readonly { readonly signature: string; readonly text: string }[];
  readonly end?: Extract<MinifyRecord, { kind: 'minify-end' }>;
  /** What the minifier said beside its records: why it failed. */
  readonly complaint: string;
}

export interface MinifyFold {
  add(record: MinifyRecord): void;
  setPhase(phase: 'paused' | 'resumed' | 'stopping'): void;
  /** It is over without an end record. */
  fail(complaint: string): void;
  model(): MinifyModel;
}

/**
 * @param input what is minified, as the user named it.
 * @param values on which values it runs, in words, where that is not plain.
 */
export function createMinifyFold(input: string, values = ''): MinifyFold {
  const outcomes: Record<TrialOutcome, number> = {
    accepted: 0,
    rejected: 0,
    cached: 0,
    slipped: 0,
    invalid: 0,
  };
  const curve: SizePoint[] = [];
  const passes = new Map<string, PassRow>();
  const workers = new Map<number, WorkerRow>();
  const stages: { readonly name: string; readonly verdict: string }[] = [];
  const slips: { readonly signature: string; readonly text: string }[] = [];
  let start: Extract<MinifyRecord, { kind: 'minify-start' }> | undefined;
  let end: Extract<MinifyRecord, { kind: 'minify-end' }> | undefined;
  let request: 'paused' | 'stopping' | undefined;
  let complaint: string | undefined;
  let size = 0;
  let text = '';
  let timeMs = 0;
  let trials = 0;
  let pass = '';

  function addTrial(record: Extract<MinifyRecord, { kind: 'minify-trial' }>): void {
    trials += 1;
    pass = record.pass;
    outcomes[record.outcome] += 1;
    const row = passes.get(pass) ?? { name: pass, trials: 0, accepted: 0, saved: 0, durationMs: 0 };
    const isAccepted = record.outcome === 'accepted';
    passes.set(pass, {
      ...row,
      trials: row.trials + 1,
      accepted: row.accepted + (isAccepted ? 1 : 0),
      saved: row.saved + (isAccepted ? Math.max(0, size - record.size) : 0),
      durationMs: row.durationMs + record.durationMs,
    });
    if (record.worker !== undefined) {
      const { worker, size: tried, outcome } = record;
      workers.set(worker, { worker, pass, size: tried, outcome, timeMs });
    }
  }

  function setBest(record: { readonly size: number; readonly text?: string }): void {
    size = record.size;
    text = record.text ?? text;
    curve.push({ timeMs, size });
  }

  function phase(): SearchPhase {
    if (end !== undefined) return 'done';
    if (complaint !== undefined) return 'failed';
    return request ?? (start === undefined ? 'probing' : 'reducing');
  }

  return {
    add(record) {
      timeMs = Math.max(timeMs, record.timeMs);
      switch (record.kind) {
        case 'minify-start':
          start = record;
          setBest(record);
          break;
        case 'minify-stage':
          stages.push({ name: record.name, verdict: record.verdict });
          break;
        case 'minify-trial':
          addTrial(record);
          break;
        case 'minify-best':
          setBest(record);
          break;
        case 'minify-slip':
          slips.push({ signature: record.signature, text: record.text });
          break;
        case 'minify-end':
          end = record;
          break;
        default:
          record satisfies never;
      }
    },
    setPhase(wanted) {
      request = wanted === 'resumed' ? undefined : wanted;
    },
    fail(why) {
      complaint = why;
    },
    model: () => ({
      phase: phase(),
      input,
      values,
      signature: start?.signature ?? '',
      unit: start?.unit ?? 'tokens',
      sizeBefore: start?.size ?? 0,
      size,
      text,
      timeMs,
      trials,
      outcomes: { ...outcomes },
      pass,
      curve: [...curve],
      passes: [...passes.values()],
      workers: [...workers.values()].sort((left, right) => left.worker - right.worker),
      stages: [...stages],
      slips: [...slips],
      ...(end === undefined ? {} : { end }),
      complaint: complaint ?? '',
    }),
  };
}

const levels = '▁▂▃▄▅▆▇█';

/**
 * The size over time as `width` blocks, on a logarithmic scale from the best size to the first: most of a search is spent
 * on the last few tokens.
 */
export function sizeCurve(model: Pick<MinifyModel, 'curve' | 'timeMs'>, width: number): string {
  const { curve, timeMs } = model;
  const first = curve[0];
  if (first === undefined || width <= 0) return '';
  const top = Math.log(Math.max(...curve.map((point) => point.size)) + 1);
  const bottom = Math.log(Math.min(...curve.map((point) => point.size)) + 1);
  const endMs = Math.max(timeMs, first.timeMs + 1);
  let index = 0;
  let blocks = '';
  for (let column = 0; column < width; column++) {
    const untilMs = first.timeMs + ((column + 1) / width) * (endMs - first.timeMs);
    while (index + 1 < curve.length && curve[index + 1]!.timeMs <= untilMs) index++;
    const share = top === bottom ? 1 : (Math.log(curve[index]!.size + 1) - bottom) / (top - bottom);
    blocks += levels[Math.round(share * (levels.length - 1))]!;
  }
  return blocks;
}
