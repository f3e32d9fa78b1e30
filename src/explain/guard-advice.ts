/** What to do about facts that keep changing at one site, in one sentence each. */
import type { GuardKind } from '../ir/guard.ts';
import type { FamilyRow } from './report.ts';
import { formatPlural } from './units.ts';

interface FamilyFacts {
  readonly rows: readonly FamilyRow[];
  readonly recompiles: number;
  readonly reuses: number;
  readonly limitHits: number;
  readonly source: 'fullgraph' | 'torch';
  /** From the trace itself, which may know better. */
  readonly hints: readonly string[];
}

type Wording = (row: FamilyRow) => string;

function path(row: FamilyRow): string {
  const shown = row.values.slice(0, 4).join(' → ');
  return row.values.length > 4 ? `${shown} → ...` : shown;
}

const shapeAdvice: Readonly<Record<FamilyRow['trend'], Wording>> = {
  grows: (row) =>
    `\`${row.what}\` grows (${path(row)}): pad it to a fixed length, or to a few buckets such as powers of two.`,
  shrinks: (row) => `\`${row.what}\` shrinks (${path(row)}): pad it to its largest length.`,
  alternates: (row) =>
    `\`${row.what}\` alternates between ${row.values.join(' and ')}: nothing more to come.`,
  varies: (row) =>
    `\`${row.what}\` takes ${row.values.length} values (${path(row)}): pad or bucket it, so that few of them arrive.`,
  once: (row) =>
    `\`${row.what}\` changed once (${path(row)}): drop or pad the last, smaller batch if that is what it is.`,
};

const advice: Readonly<Record<GuardKind, Wording>> = {
  shape: (row) => shapeAdvice[row.trend](row),
  dtype: (row) => `\`${row.what}\` changed (${path(row)}): cast to one dtype before this code.`,
  attribute: (row) =>
    `\`${row.what}\` is part of the graph and changed (${path(row)}): keep it fixed, or compute with a tensor instead.`,
  constant: (row) =>
    `the JS number behind \`${row.what}\` changed (${path(row)}): it was made an input; hold it in a \`tf.variable\` to avoid even that.`,
  weights: (row) =>
    `${row.what} changed after they were frozen into the graph: train before the first prediction, or accept one recompile.`,
  structure: () =>
    'the ops themselves differ: JS took another branch. Compute both sides with `tf.where`, or give each path a function of its own.',
  outputs: () =>
    'other values stay alive behind the graph: dispose intermediates, or wrap the code in `tf.tidy`.',
  backend: (row) => `\`${row.what}\` changed (${path(row)}): choose backend and device once, at the start.`,
  stride: (row) => `the memory layout of \`${row.what}\` changed (${path(row)}).`,
  other: (row) => `\`${row.what}\` changed (${path(row)}).`,
};

/** Most lines for one family: more would be read by nobody. */
const maxLines = 5;

/** Sentences, most important first. Rows that would get the same advice share it. */
export function adviseFamily(facts: FamilyFacts): string[] {
  if (facts.source === 'torch' || facts.hints.length > 0) return cut([...new Set(facts.hints)], 'hint');
  if (facts.limitHits === 0 && facts.recompiles <= 1 && facts.reuses > facts.recompiles) {
    const variants = facts.reuses + facts.recompiles + 1;
    return [`one general graph serves all ${variants} variants: nothing to do.`];
  }
  const lines = facts.rows.map((row) => advice[row.kind](row));
  return [
    ...(facts.limitHits > 0
      ? [
          'the recompile limit was hit: later arrivals ran node by node. Fix the causes below, or raise `--recompile-limit`.',
        ]
      : []),
    ...cut([...new Set(lines)], 'fact'),
  ];
}

function cut(lines: readonly string[], unit: string): string[] {
  const rest = lines.length - maxLines;
  return rest > 0
    ? [...lines.slice(0, maxLines), `and ${formatPlural(rest, `more ${unit}`, `more ${unit}s`)}.`]
    : [...lines];
}
