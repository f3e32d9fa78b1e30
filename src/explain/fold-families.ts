/**
 * Guard failures → one matrix per site: which graphs were captured there (columns), which guarded facts differed (rows).
 * A failure lists all differences against the closest cached graph, so a fact that is not listed is equal in both: values
 * spread along those links, and only facts behind a structural difference stay unknown.
 */
import type { GuardDifference } from '../ir/guard.ts';
import type { CompileRecord, GuardFailureRecord } from '../ir/record.ts';
import { compareText, pushTo } from './counter.ts';
import { markDerived } from './derived-facts.ts';
import { adviseFamily } from './guard-advice.ts';
import { mergeEqualFamilies } from './merge-families.ts';
import type { FamilyColumn, FamilyReport, FamilyRow, GraphReport, GuardFailureReport } from './report.ts';
import type { StackTable } from './stacks.ts';

/** A failure with its differences by fact. */
interface Failure {
  readonly record: GuardFailureRecord;
  readonly differences: ReadonlyMap<string, GuardDifference>;
  /** Behind a structural difference nothing was compared. */
  readonly hidesFacts: boolean;
}

function indexFailure(record: GuardFailureRecord): Failure {
  return {
    record,
    differences: new Map(record.differences.map((item) => [JSON.stringify([item.kind, item.what]), item])),
    hidesFacts: record.differences.some((item) => item.kind === 'structure'),
  };
}

/** Values of one fact by graph: those that are listed, then those that follow. */
function valuesOf(fact: string, failures: readonly Failure[]): Map<string, string> {
  const values = new Map<string, string>();
  const links: (readonly [string, string])[] = [];
  for (const { record, differences, hidesFacts } of failures) {
    const difference = differences.get(fact);
    if (difference !== undefined) {
      if (!values.has(record.closest)) values.set(record.closest, difference.expected);
      values.set(record.graph, difference.actual);
    } else if (!hidesFacts) {
      links.push([record.closest, record.graph]);
    }
  }
  // Links point from older to newer graphs in order of arrival: one pass back to the roots, one forth to the leaves.
  for (const [left, right] of [...links.toReversed(), ...links]) {
    const value = values.get(left) ?? values.get(right);
    if (value === undefined) continue;
    if (!values.has(left)) values.set(left, value);
    if (!values.has(right)) values.set(right, value);
  }
  return values;
}

function trendOf(values: readonly (string | undefined)[], distinct: readonly string[]): FamilyRow['trend'] {
  if (distinct.length <= 2 && values.filter((value) => value !== undefined).length <= 2) return 'once';
  const changes = values.filter((value, index) => index > 0 && value !== values[index - 1]);
  if (distinct.length === 2 && changes.length > 1) return 'alternates';
  const numbers = distinct.map(Number);
  if (distinct.length < 3 || numbers.some((value) => !Number.isFinite(value))) {
    return distinct.length === 2 ? 'once' : 'varies';
  }
  const steps = numbers.slice(1).map((value, index) => value - numbers[index]!);
  if (steps.every((step) => step > 0)) return 'grows';
  if (steps.every((step) => step < 0)) return 'shrinks';
  return 'varies';
}

function rowsOf(
  columns: readonly FamilyColumn[],
  records: readonly GuardFailureRecord[],
): readonly FamilyRow[] {
  const failures = records.map(indexFailure);
  const facts = new Map<string, GuardDifference>();
  for (const failure of failures) {
    for (const [key, difference] of failure.differences) if (!facts.has(key)) facts.set(key, difference);
  }
  return [...facts].map(([key, { kind, what }]) => {
    const values = valuesOf(key, failures);
    const texts = columns.map((column) => values.get(column.graph));
    const distinct = [...new Set(texts.filter((text) => text !== undefined))];
    let previous: string | undefined;
    const cells = texts.map((text) => {
      const isChanged = text !== undefined && previous !== undefined && text !== previous;
      previous = text ?? previous;
      return { ...(text === undefined ? {} : { text }), isChanged };
    });
    return { kind, what, cells, values: distinct, trend: trendOf(texts, distinct) };
  });
}

function columnsOf(
  members: readonly string[],
  failures: readonly GuardFailureRecord[],
  graphs: ReadonlyMap<string, GraphReport>,
): FamilyColumn[] {
  const outcomes = new Map(failures.map((failure) => [failure.graph, failure]));
  const ids = new Set([
    ...members,
    ...failures.flatMap((failure) => (failure.closest === '' ? [] : [failure.closest])),
    ...failures.map((failure) => failure.graph),
  ]);
  return [...ids]
    .map((id): FamilyColumn => {
      const graph = graphs.get(id);
      const failure = outcomes.get(id);
      return {
        graph: id,
        timeMs: failure?.timeMs ?? graph?.timeMs ?? 0,
        outcome: failure?.outcome ?? 'first',
        compileMs: graph?.compileMs ?? 0,
        runs: graph?.runs ?? 0,
      };
    })
    .sort((left, right) => left.timeMs - right.timeMs);
}

/** Whether something was compiled again; an arrival that a general session serves costs next to nothing. */
export function isRecompile({ trigger, cache }: CompileRecord): boolean {
  return trigger === 'recompile' && cache !== 'shared';
}

export interface FamilyFold {
  add(record: GuardFailureRecord): void;
  report(
    stacks: StackTable,
    graphs: readonly GraphReport[],
    compiles: readonly CompileRecord[],
    source: 'fullgraph' | 'torch',
  ): FamilyReport[];
}

export function createFamilyFold(): FamilyFold {
  const failuresByFamily = new Map<string, GuardFailureRecord[]>();

  function failureReport(record: GuardFailureRecord, stacks: StackTable): GuardFailureReport {
    const { timeMs, graph, closest, outcome, differences } = record;
    const site = stacks.site(record.stack);
    const stack = stacks.frames(record.stack);
    return {
      timeMs,
      graph,
      closest,
      outcome,
      ...(site === undefined ? {} : { site }),
      ...(stack === undefined ? {} : { stack }),
      differences,
    };
  }

  return {
    add: (record) => pushTo(failuresByFamily, record.family, record),
    report(stacks, graphs, compiles, source) {
      const byId = new Map(graphs.map((graph) => [graph.id, graph]));
      const members = new Map<string, string[]>();
      for (const graph of graphs) pushTo(members, graph.family, graph.id);
      const recompiled = new Map<string, number>();
      for (const compile of compiles) {
        if (!isRecompile(compile)) continue;
        const family = byId.get(compile.graph)?.family;
        if (family !== undefined) recompiled.set(family, (recompiled.get(family) ?? 0) + 1);
      }
      const keys = new Set([...failuresByFamily.keys(), ...recompiled.keys()]);
      const families = [...keys].map((key): FamilyReport => {
        const failures = failuresByFamily.get(key) ?? [];
        const columns = columnsOf(members.get(key) ?? [], failures, byId);
        const facts = rowsOf(columns, failures);
        const rows = source === 'fullgraph' ? markDerived(facts) : facts;
        const first = byId.get(columns[0]?.graph ?? '');
        const site = first?.site ?? stacks.site(failures[0]?.stack);
        const reuses = failures.filter((failure) => failure.outcome === 'reused').length;
        const limitHits = failures.filter((failure) => failure.outcome === 'limit').length;
        const recompiles = recompiled.get(key) ?? 0;
        return {
          key,
          name: first?.name ?? key,
          ...(site === undefined ? {} : { site }),
          recompiles,
          reuses,
          limitHits,
          compileMs: columns.reduce((total, column) => total + column.compileMs, 0),
          columns,
          rows,
          failures: failures.map((failure) => failureReport(failure, stacks)),
          advice: adviseFamily({
            rows,
            recompiles,
            reuses,
            limitHits,
            source,
            hints: failures.toReversed().flatMap((failure) => failure.hints ?? []),
          }),
        };
      });
      return mergeEqualFamilies(families).sort(
        (left, right) =>
          right.recompiles - left.recompiles ||
          right.limitHits - left.limitHits ||
          right.reuses - left.reuses ||
          compareText(left.site?.file ?? '', right.site?.file ?? '') ||
          (left.site?.line ?? 0) - (right.site?.line ?? 0) ||
          compareText(left.key, right.key),
      );
    },
  };
}
