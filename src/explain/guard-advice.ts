/** What to do about facts that keep changing at one site, in one sentence each. */
import type { GuardKind } from '../ir/guard.ts';
import type { FamilyRow } from './report.ts';

interface FamilyFacts {
  readonly rows: readonly FamilyRow[];
  readonly recompiles: number;
  readonly reuses: number;
  readonly limitHits: number;
  readonly source: 'fullgraph' | 'torch';
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

const fullgraphAdvice: Readonly<Record<GuardKind, Wording>> = {
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

const torchAdvice: Readonly<Partial<Record<GuardKind, Wording>>> = {
  shape: (row) => {
    const axis = /^(?<tensor>.+?)(?:\.size|\.shape)?\[(?<axis>\d+)\]$/.exec(row.what)?.groups;
    const call =
      axis === undefined ? '`torch.compile(dynamic=True)`' : markDynamic(axis['tensor']!, axis['axis']!);
    return `\`${row.what}\` ${row.trend === 'grows' ? 'grows' : 'changed'} (${path(row)}): ${call}, or pad to fixed or bucketed lengths.`;
  },
  stride: (row) =>
    `the memory layout of \`${row.what}\` changed (${path(row)}): call \`.contiguous()\` before the compiled function.`,
  dtype: (row) =>
    `\`${row.what}\` changed (${path(row)}): cast before the compiled function, or compile one copy per dtype.`,
  constant: (row) =>
    `the Python value \`${row.what}\` is baked into the graph and changed (${path(row)}): pass it as a tensor, or hoist it out of the compiled function.`,
  other: (row) =>
    `\`${row.what}\` changed${row.values.length > 0 ? ` (${path(row)})` : ''}: create it once, outside the compiled function.`,
};

function markDynamic(tensor: string, axis: string): string {
  return `\`torch._dynamo.mark_dynamic(${tensor}, ${axis})\` before the first call`;
}

/** Most lines for one family: more would be read by nobody. */
const maxLines = 5;

/** Sentences, most important first. Rows that would get the same advice share it. */
export function adviseFamily(facts: FamilyFacts): string[] {
  const lines: string[] = [];
  if (facts.limitHits > 0) {
    lines.push(
      facts.source === 'torch'
        ? 'the recompile limit was hit: from then on this function ran eagerly, without a word. Fix the causes below before raising `torch._dynamo.config.recompile_limit`.'
        : 'the recompile limit was hit: later arrivals ran node by node. Fix the causes below, or raise `--recompile-limit`.',
    );
  }
  const words = facts.source === 'torch' ? { ...fullgraphAdvice, ...torchAdvice } : fullgraphAdvice;
  const isGeneral = facts.recompiles <= 1 && facts.reuses > facts.recompiles;
  if (isGeneral && facts.limitHits === 0) {
    return [
      `one more general graph serves all ${facts.reuses + facts.recompiles + 1} variants: nothing to do.`,
    ];
  }
  for (const row of facts.rows) lines.push(words[row.kind](row));
  const unique = [...new Set(lines)];
  const rest = unique.length - maxLines;
  return rest > 0
    ? [...unique.slice(0, maxLines), `and ${rest} more ${rest === 1 ? 'fact' : 'facts'} changed.`]
    : unique;
}
