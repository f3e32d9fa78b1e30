/** What to do about facts that keep changing at one site, in one sentence each. */
import type { GuardKind } from '../ir/guard.ts';
import type { FamilyRow } from './report.ts';
import { pushTo } from './counter.ts';
import { formatCount, formatPlural } from './units.ts';

interface FamilyFacts {
  readonly rows: readonly FamilyRow[];
  readonly recompiles: number;
  readonly reuses: number;
  readonly limitHits: number;
  readonly source: 'fullgraph' | 'torch';
  /** From the trace itself, which may know better. */
  readonly hints: readonly string[];
}

/** Facts of one kind that changed in the same way: they get one sentence. */
interface Change extends Pick<FamilyRow, 'kind' | 'values' | 'trend'> {
  /** `` `x.shape[0]` and `y.shape[0]` ``. */
  readonly what: string;
}

type Wording = (change: Change) => string;

function path(change: Change): string {
  const shown = change.values.slice(0, 4).join(' → ');
  return change.values.length > 4 ? `${shown} → ...` : shown;
}

const shapeAdvice: Readonly<Record<FamilyRow['trend'], Wording>> = {
  grows: (change) =>
    `${change.what} grew (${path(change)}): pad it to a fixed length, or to a few buckets such as powers of two.`,
  shrinks: (change) => `${change.what} shrank (${path(change)}): pad it to its largest length.`,
  alternates: (change) =>
    `${change.what} alternated between ${change.values.join(' and ')}: nothing more to come.`,
  varies: (change) =>
    `${change.what} took ${change.values.length} values (${path(change)}): pad or bucket it, so that few of them arrive.`,
  once: (change) =>
    `${change.what} changed once (${path(change)}): the new graph takes any size there. If it is a last, smaller batch, drop or pad it to save the compile.`,
};

const advice: Readonly<Record<GuardKind, Wording>> = {
  shape: (change) => shapeAdvice[change.trend](change),
  dtype: (change) => `${change.what} changed (${path(change)}): cast to one dtype before this code.`,
  attribute: (change) =>
    `${change.what} changed (a fact of the graph itself; ${path(change)}): keep it fixed, or compute with a tensor instead.`,
  constant: (change) =>
    `the JS number behind ${change.what} changed (${path(change)}): it was made an input; hold it in a \`tf.variable\` to avoid even that.`,
  weights: (change) =>
    `${change.what} changed after they were frozen into the graph: train before the first prediction, or accept one recompile.`,
  structure: () =>
    'the ops themselves differ: JS took another branch. Compute both sides with `tf.where`, or give each path a function of its own.',
  outputs: () =>
    'other values stay alive behind the graph: dispose intermediates, or wrap the code in `tf.tidy`.',
  backend: (change) =>
    `${change.what} changed (${path(change)}): choose backend and device once, at the start.`,
  stride: (change) => `the memory layout of ${change.what} changed (${path(change)}).`,
  other: (change) => `${change.what} changed (${path(change)}).`,
};

function mergeRows(rows: readonly FamilyRow[]): Change[] {
  const groups = new Map<string, FamilyRow[]>();
  for (const row of rows) pushTo(groups, JSON.stringify([row.kind, row.trend, row.values]), row);
  return [...groups.values()].map((group) => {
    const names = group.slice(0, maxNames).map((row) => `\`${row.what}\``);
    const rest = group.length - names.length;
    const last = rest > 0 ? `${formatCount(rest)} more` : names.pop()!;
    return { ...group[0]!, what: names.length === 0 ? last : `${names.join(', ')} and ${last}` };
  });
}

/** Most lines for one family: more would be read by nobody. */
const maxLines = 5;
/** Most facts that are named in one line. */
const maxNames = 3;

/** Sentences, most important first. Rows that would get the same advice share it. */
export function adviseFamily(facts: FamilyFacts): string[] {
  if (facts.source === 'torch' || facts.hints.length > 0) return cut([...new Set(facts.hints)], 'hint');
  if (facts.limitHits === 0 && facts.recompiles <= 1 && facts.reuses > facts.recompiles) {
    const variants = facts.reuses + facts.recompiles + 1;
    return [`one general graph serves all ${variants} variants: nothing to do.`];
  }
  const lines = mergeRows(facts.rows.filter((row) => row.isDerived === undefined)).map((change) =>
    advice[change.kind](change),
  );
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
