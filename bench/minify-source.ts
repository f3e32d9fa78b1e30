/**
 * How small, in how many oracle calls and how long: our source passes against `creduce --not-c` and `cvise --not-c`, the same
 * check for all three. `npm run bench:minify -- --only source [--case name] [--limit seconds] [--keep file]`; with a file,
 * results of the other reducers found there are used again, which is for work on our own passes.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { sourceCases, type SourceCase } from './minify/source-cases.ts';
import {
  compete,
  contenders,
  countTokens,
  isInstalled,
  type Contender,
  type Contest,
} from './minify/source-contenders.ts';

export interface SourceBenchOptions {
  /** Names of cases; all when left out. */
  readonly only?: readonly string[];
  readonly limitMs?: number;
  /** JSON file with results of other reducers. */
  readonly keep?: string;
  print?(line: string): void;
}

type Row = Partial<Record<Contender, Contest>>;

const defaultLimitMs = 120_000;

function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

function cell(contest: Contest | undefined): string {
  if (contest === undefined) return '– | – | –';
  const { tokens, calls, seconds, isCapped } = contest;
  return `${tokens} | ${calls} | ${seconds.toFixed(1)}${isCapped ? ' (capped)' : ''}`;
}

function tokensBefore(subject: SourceCase): number {
  const path = resolve(import.meta.dirname, '..', subject.path);
  return countTokens(readFileSync(path, 'utf8'), subject.path.endsWith('.mjs'));
}

function ratios(rows: readonly Row[], rival: Contender, of: (contest: Contest) => number): number {
  const both = rows.flatMap((row) =>
    row.fullgraph && row[rival] ? [of(row[rival]) / of(row.fullgraph)] : [],
  );
  return geometricMean(both);
}

/** The contest as a Markdown table, with how the others compare to us in the geometric mean. */
export function sourceTable(rows: ReadonlyMap<SourceCase, Row>): string {
  const lines = [
    '| program | keeps | before | ours | calls | s | creduce | calls | s | cvise | calls | s |',
    '| --- | --- | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: |',
    ...[...rows].map(
      ([subject, row]) =>
        `| ${subject.name} | ${subject.keeps} | ${tokensBefore(subject)} | ${contenders.map((each) => cell(row[each])).join(' | ')} |`,
    ),
    '',
  ];
  const all = [...rows.values()];
  for (const rival of contenders.filter((each) => each !== 'fullgraph' && all.some((row) => row[each]))) {
    const [tokens, calls, seconds] = [
      ratios(all, rival, ({ tokens: size }) => size),
      ratios(all, rival, ({ calls: count }) => count),
      ratios(all, rival, ({ seconds: time }) => time),
    ].map((ratio) => ratio.toFixed(1));
    lines.push(
      `${rival}: ${tokens} times our tokens, ${calls} times our oracle calls, ${seconds} times our time (geometric means; capped runs as they stood).`,
    );
  }
  return lines.join('\n');
}

/** Runs the contest; prints each result as it comes and the table. */
export async function benchmarkSources({
  only,
  limitMs = defaultLimitMs,
  keep,
  print = console.log,
}: SourceBenchOptions = {}): Promise<string> {
  const kept: Record<string, Contest> =
    keep !== undefined && existsSync(keep)
      ? (JSON.parse(readFileSync(keep, 'utf8')) as Record<string, Contest>)
      : {};
  const rows = new Map<SourceCase, Row>();
  const installed = contenders.filter(isInstalled);
  for (const subject of sourceCases.filter(({ name }) => only?.includes(name) ?? true)) {
    const row: Row = {};
    for (const contender of installed) {
      const key = `${contender} ${subject.name}`;
      const known = contender === 'fullgraph' ? undefined : kept[key];
      const contest = known ?? (await compete(contender, subject, limitMs));
      row[contender] = contest;
      kept[key] = contest;
      if (keep !== undefined) writeFileSync(keep, JSON.stringify(kept));
      print(`${subject.name}, ${contender}: ${cell(contest)}`);
    }
    rows.set(subject, row);
  }
  const table = sourceTable(rows);
  print(`\n${table}`);
  return table;
}
