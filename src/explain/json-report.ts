/**
 * The report as others read it: a small, versioned projection of {@link Report}, published as JSON Schema in
 * `docs/schema/report.schema.json`. Stable: fields are only added within a schema version. Milliseconds, rounded to
 * microseconds; paths are display paths; `null` where a fact is not known.
 */
import type { NamedType } from '../ir/record.ts';
import { formatType } from '../ir/tensor-type.ts';
import { foldStack } from './stacks.ts';
import type { BreakReport, CallPath, GuardFailureReport, Report, Site } from './report.ts';

export const reportSchemaVersion = 1;

export interface JsonSite {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** `{ name: 'x', type: 'float32[32,784]' }`. */
export interface JsonTensor {
  readonly name: string;
  readonly type: string;
}

export interface JsonBreak {
  /** `FG1001`, or PyTorch's `GB0170`. */
  readonly id: string;
  readonly title: string;
  readonly explanation: string;
  readonly site: JsonSite | null;
  readonly code: string | null;
  readonly function: string | null;
  readonly occurrences: number;
  readonly weight: number;
  readonly inLoop: boolean;
  readonly tensor: string | null;
  readonly type: string | null;
  readonly api: string | null;
  readonly branch: string | null;
  /** More about this break; of PyTorch, its developer context. */
  readonly detail: string | null;
  readonly waitMs: number;
  readonly savingMs: number | null;
  readonly savingSkipped: string | null;
  readonly hints: readonly string[];
  readonly url: string | null;
  readonly graphs: readonly string[];
  readonly frames: readonly string[];
  readonly ranks: readonly number[];
  readonly callPaths: readonly {
    readonly count: number;
    readonly frames: readonly (JsonSite & { readonly function: string })[];
  }[];
}

export interface JsonReport {
  readonly schemaVersion: number;
  readonly source: 'fullgraph' | 'torch';
  readonly program: string;
  readonly arguments: readonly string[];
  readonly startedAt: string;
  readonly exitCode: number | null;
  readonly environment: Readonly<Record<string, string | number>>;
  readonly verdict: string;
  readonly totals: Report['totals'];
  readonly time: readonly { readonly kind: string; readonly ms: number; readonly share: number }[];
  /** What to do first, dearest first. */
  readonly advice: readonly {
    readonly title: string;
    readonly detail: string;
    readonly savingMs: number | null;
    readonly site: JsonSite | null;
  }[];
  readonly graphs: readonly {
    readonly id: string;
    readonly name: string;
    readonly nodes: number;
    readonly runs: number;
    readonly runMs: number;
    readonly traceMs: number;
    readonly compileMs: number;
    readonly compiles: number;
    /** Nodes that ran on eager kernels inside it. */
    readonly fallbacks: number;
    /** Guards of its last compile, where the trace says. */
    readonly guards: number | null;
    /** Number of nodes by kernel or function. */
    readonly ops: Readonly<Record<string, number>>;
    /** Milliseconds per run by node, dearest first; null without --profile. */
    readonly nodeTimes: Readonly<Record<string, number>> | null;
    readonly inputs: readonly JsonTensor[];
    readonly outputs: readonly JsonTensor[];
    readonly site: JsonSite | null;
  }[];
  readonly breaks: readonly JsonBreak[];
  /** Ends of graphs that are meant to be there; never counted. */
  readonly boundaries: readonly JsonBreak[];
  readonly recompiles: readonly {
    readonly site: JsonSite | null;
    readonly graph: string;
    readonly closest: string;
    readonly limit: boolean;
    readonly reasons: readonly {
      readonly kind: string;
      readonly what: string;
      readonly expected: string;
      readonly actual: string;
    }[];
    readonly advice: readonly string[];
  }[];
  readonly fallbacks: readonly {
    readonly kernel: string;
    readonly reason: string;
    readonly count: number;
    readonly ms: number;
    readonly site: JsonSite | null;
  }[];
  readonly frames: readonly {
    readonly id: string;
    readonly function: string;
    readonly status: string;
    readonly site: JsonSite | null;
    readonly rank: number | null;
    readonly graph: string | null;
    readonly reason: string | null;
    readonly compileMs: number;
    readonly restarts: number;
    readonly restartMs: number;
    readonly runs: number | null;
    readonly guards: number | null;
    readonly guardLatencyUs: number | null;
    /** Whatever else the trace says about it, by name. */
    readonly details: Readonly<Record<string, string | number | boolean>>;
  }[];
  readonly ranks: Report['ranks'];
  readonly caches: Report['caches'];
  readonly phases: readonly { readonly name: string; readonly count: number; readonly ms: number }[];
  readonly notes: readonly {
    readonly severity: string;
    readonly code: string;
    readonly text: string;
    readonly count: number;
    readonly site: JsonSite | null;
  }[];
  readonly damage: {
    readonly lines: number;
    readonly dangling: number;
    readonly unknownKinds: Readonly<Record<string, number>>;
    readonly headless: boolean;
    readonly truncated: boolean;
  };
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function numberOf(value: string | number | boolean | undefined): number | null {
  return typeof value === 'number' ? value : null;
}

function jsonSite(site: Site | undefined): JsonSite | null {
  return site === undefined ? null : { file: site.file, line: site.line, column: site.column };
}

function jsonTensor({ name, type }: NamedType): JsonTensor {
  return { name, type: formatType(type) };
}

function jsonCallPath({ frames, count }: CallPath): JsonBreak['callPaths'][number] {
  return {
    count,
    frames: foldStack(frames).flatMap((folded) =>
      folded.kind === 'frame'
        ? [
            {
              file: folded.frame.file,
              line: folded.frame.line,
              column: folded.frame.column,
              function: folded.frame.function,
            },
          ]
        : [],
    ),
  };
}

function jsonBreak(item: BreakReport): JsonBreak {
  return {
    id: item.id,
    title: item.title,
    explanation: item.explanation,
    site: jsonSite(item.site),
    code: item.site?.code ?? null,
    function: item.site?.function ?? null,
    occurrences: item.occurrences,
    weight: item.weight,
    inLoop: item.isInLoop,
    tensor: item.tensors[0]?.name ?? null,
    type: item.tensors[0]?.type ?? null,
    api: item.apis[0] ?? null,
    branch: item.branches[0] ?? null,
    detail: item.details[0] ?? null,
    waitMs: round(item.waitMs),
    savingMs: item.savingMs === null ? null : round(item.savingMs),
    savingSkipped: item.savingSkipped ?? null,
    hints: item.hints,
    url: item.url ?? null,
    graphs: item.graphs,
    frames: item.frames,
    ranks: item.ranks,
    callPaths: item.callPaths.map(jsonCallPath),
  };
}

function jsonRecompile(
  failure: GuardFailureReport,
  familySite: Site | undefined,
  advice: readonly string[],
): JsonReport['recompiles'][number] {
  return {
    site: jsonSite(failure.site ?? familySite),
    graph: failure.graph,
    closest: failure.closest,
    limit: failure.outcome === 'limit',
    reasons: failure.differences.map(({ kind, what, expected, actual }) => ({
      kind,
      what,
      expected,
      actual,
    })),
    advice,
  };
}

/** The published form of a report. Plain JSON values only. */
export function toJsonReport(report: Report): JsonReport {
  const totals = Object.fromEntries(
    Object.entries(report.totals).map(([name, value]: [string, number | null]) => [
      name,
      value === null ? null : round(value),
    ]),
  ) as unknown as Report['totals'];
  return {
    schemaVersion: reportSchemaVersion,
    source: report.source,
    program: report.program.path,
    arguments: report.program.arguments,
    startedAt: report.program.startedAt,
    exitCode: report.program.exitCode ?? null,
    environment: report.environment,
    verdict: report.verdict.sentence,
    totals,
    time: report.time.map(({ kind, durationMs, share }) => ({
      kind,
      ms: round(durationMs),
      share: round(share),
    })),
    advice: report.advice.map(({ title, detail, savingMs, site }) => ({
      title,
      detail,
      savingMs: savingMs === null ? null : round(savingMs),
      site: jsonSite(site),
    })),
    graphs: report.graphs.map((graph) => ({
      id: graph.id,
      name: graph.name,
      nodes: graph.nodeCount,
      runs: graph.runs,
      runMs: round(graph.runMs),
      traceMs: round(graph.traceMs),
      compileMs: round(graph.compileMs),
      compiles: graph.compiles.length,
      fallbacks: graph.fallbacks.length,
      guards: graph.compiles.at(-1)?.guardCount ?? null,
      ops: graph.opCounts,
      nodeTimes:
        graph.nodeTimes.size === 0
          ? null
          : Object.fromEntries([...graph.nodeTimes].sort((left, right) => right[1] - left[1])),
      inputs: graph.inputs.map(jsonTensor),
      outputs: graph.outputs.map(jsonTensor),
      site: jsonSite(graph.site),
    })),
    breaks: report.breaks.map(jsonBreak),
    boundaries: report.boundaries.map(jsonBreak),
    recompiles: report.families.flatMap((family) =>
      family.failures
        .filter((failure) => failure.outcome !== 'reused')
        .map((failure) => jsonRecompile(failure, family.site, family.advice)),
    ),
    fallbacks: report.fallbacks.map((item) => ({
      kernel: item.kernel,
      reason: item.reason,
      count: item.count,
      ms: round(item.durationMs),
      site: jsonSite(item.sites[0]?.site),
    })),
    frames: report.frames.map((frame) => ({
      id: frame.id,
      function: frame.function,
      status: frame.status,
      site: jsonSite(frame.site),
      rank: frame.rank ?? null,
      graph: frame.graph ?? null,
      reason: frame.reason ?? null,
      compileMs: round(frame.durationMs),
      restarts: frame.restarts,
      restartMs: round(frame.restartMs),
      runs: frame.runs ?? null,
      guards: numberOf(frame.details['guards']),
      guardLatencyUs: numberOf(frame.details['guard latency us']),
      details: frame.details,
    })),
    ranks: report.ranks.map((rank) => ({ ...rank, compileMs: round(rank.compileMs) })),
    caches: report.caches,
    phases: report.phases.map(({ name, count, durationMs }) => ({ name, count, ms: round(durationMs) })),
    notes: report.notes.map(({ severity, code, text, count, site }) => ({
      severity,
      code,
      text,
      count,
      site: jsonSite(site),
    })),
    damage: {
      lines: report.damage.lines,
      dangling: report.damage.dangling,
      unknownKinds: report.damage.unknownKinds,
      headless: report.damage.isHeadless,
      truncated: report.damage.isTruncated,
    },
  };
}
