/** What a run over the corpus of real programs found: rows of one program each, the table and the totals. Pure. */
import type { FullgraphStats } from '../bench/support/fullgraph.ts';

export type CorpusBackend = 'cpu' | 'wasm' | 'fullgraph';

/** What the backend module in a program's process has to do. */
export interface CorpusJob {
  readonly backend: CorpusBackend;
  readonly threads: number;
  readonly cacheDir?: string;
  readonly factsDir: string;
  /** The process is hosted: fullgraph is there already. */
  readonly isHosted?: boolean;
}

export interface MemoryCounts {
  readonly numTensors: number;
  readonly numDataBuffers: number;
  readonly numBytes: number;
}

/** What the backend module writes when the program ends. */
export interface ProcessFacts {
  readonly memory: MemoryCounts;
  readonly stats?: FullgraphStats;
}

/** The runner's line for one program, as far as it is used here. */
export interface RunnerResult {
  readonly name: string;
  readonly ok: boolean;
  readonly error?: string;
  /** Time in the program. */
  readonly ms: number;
  /** Time of the whole process. */
  readonly wallMs?: number;
  readonly chaotic?: boolean;
  readonly peakRssMB?: number;
  readonly vsRef?: {
    readonly match: boolean;
    readonly firstDivergence: number;
    readonly nObs: number;
    readonly nObsRef: number;
    readonly maxAbsDiff: number;
    readonly maxRelDiff: number;
    readonly varsMismatch: number;
    readonly linesDifferent: number;
  };
}

export type CaseResult = RunnerResult & { readonly facts?: ProcessFacts };

/** Wall times and final memory of tfjs's own backends, measured once per machine. */
export interface Baseline {
  readonly measuredAt: string;
  readonly cases: Readonly<
    Record<
      string,
      {
        readonly ok: boolean;
        readonly ms: number;
        readonly wallMs: number | undefined;
        readonly memory: MemoryCounts | undefined;
      }
    >
  >;
}

export type Baselines = Partial<Record<CorpusBackend, Baseline>>;

export type Outcome = 'equal' | 'chaotic' | 'mismatch' | 'no reference' | 'error';

/**
 * `equal`: each read, variable and result equals the reference. `chaotic`: the program follows sampled values, so it is
 * compared up to the first divergence only.
 */
export function outcomeOf(result: CaseResult): Outcome {
  if (!result.ok) return 'error';
  if (result.vsRef === undefined) return 'no reference';
  if (result.vsRef.match) return 'equal';
  // A chaotic program must agree on something before it diverges; -1: only its final variables differ.
  if (result.chaotic === true && result.vsRef.firstDivergence !== 0) return 'chaotic';
  return 'mismatch';
}

const isGood = (outcome: Outcome): boolean => outcome === 'equal' || outcome === 'chaotic';

function isSameMemory(left: MemoryCounts | undefined, right: MemoryCounts | undefined): boolean | undefined {
  if (left === undefined || right === undefined) return undefined;
  return (
    left.numTensors === right.numTensors &&
    left.numDataBuffers === right.numDataBuffers &&
    left.numBytes === right.numBytes
  );
}

const percent = (part: number, whole: number): string =>
  whole === 0 ? '-' : `${((100 * part) / whole).toFixed(part === whole ? 0 : 2)} %`;

const integer = (value: number): string => Math.round(value).toLocaleString('en-US');

/** Aligned columns; the first is text, the others numbers. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => {
          const width = widths[column] ?? 0;
          return column < 2 ? cell.padEnd(width) : cell.padStart(width);
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Table, differences and totals of a run, and whether the run meets the bars. */
export function formatCorpusReport(
  backend: CorpusBackend,
  results: readonly CaseResult[],
  baselines: Baselines,
): { readonly text: string; readonly isAccepted: boolean } {
  const sorted = [...results].sort((a, b) => (a.name < b.name ? -1 : 1));
  const header = [
    'program',
    'outcome',
    'largest difference',
    'calls',
    'compiled',
    'graphs',
    'recompiles',
    'ms',
    'wasm ms',
    'cpu ms',
    'memory',
  ];
  const rows = sorted.map((result) => {
    const stats = result.facts?.stats;
    const calls = stats && stats.kernelCalls.compiled + stats.kernelCalls.fallback;
    const reference = baselines.cpu?.cases[result.name]?.memory;
    const sameMemory = isSameMemory(result.facts?.memory, reference);
    const wasm = baselines.wasm?.cases[result.name];
    const cpu = baselines.cpu?.cases[result.name];
    return [
      result.name,
      outcomeOf(result),
      result.vsRef === undefined ? '-' : difference(result.vsRef),
      calls === undefined ? '-' : integer(calls),
      stats === undefined || calls === undefined ? '-' : percent(stats.kernelCalls.compiled, calls),
      stats === undefined ? '-' : integer(stats.compiles),
      stats === undefined ? '-' : integer(stats.recompiles),
      integer(result.ms),
      wasm === undefined ? '-' : wasm.ok ? integer(wasm.ms) : 'fails',
      cpu === undefined ? '-' : integer(cpu.ms),
      sameMemory === undefined ? '-' : sameMemory ? 'equal' : describeMemory(result, reference),
    ];
  });
  const lines = [formatTable([header, ...rows]), ''];
  for (const result of sorted) {
    if (!result.ok) lines.push(`ERROR ${result.name}: ${(result.error ?? '').split('\n')[0] ?? ''}`);
    else if (outcomeOf(result) === 'mismatch')
      lines.push(`MISMATCH ${result.name}: ${describeMismatch(result)}`);
  }
  const { text, isAccepted } = totals(backend, sorted, baselines);
  lines.push(...text);
  return { text: lines.join('\n'), isAccepted };
}

/** Of all reads, variables and results: relative, with values below 1e-3 taken as 1e-3. */
const difference = ({ maxRelDiff }: NonNullable<RunnerResult['vsRef']>): string =>
  maxRelDiff === 0 ? '0' : maxRelDiff.toExponential(0);

function describeMemory(result: CaseResult, reference: MemoryCounts | undefined): string {
  const memory = result.facts?.memory;
  if (memory === undefined || reference === undefined) return '-';
  if (memory.numTensors !== reference.numTensors)
    return `${memory.numTensors}/${reference.numTensors} tensors`;
  if (memory.numDataBuffers !== reference.numDataBuffers)
    return `${memory.numDataBuffers}/${reference.numDataBuffers} buffers`;
  return `${memory.numBytes}/${reference.numBytes} bytes`;
}

function describeMismatch(result: CaseResult): string {
  const versus = result.vsRef;
  if (versus === undefined) return '';
  return (
    `${versus.nObs} reads (cpu ${versus.nObsRef}), first divergence at read ${versus.firstDivergence}, ` +
    `max abs ${versus.maxAbsDiff.toPrecision(3)}, max rel ${versus.maxRelDiff.toPrecision(3)}, ` +
    `${versus.varsMismatch} variables and ${versus.linesDifferent} lines differ in form`
  );
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

function totals(
  backend: CorpusBackend,
  results: readonly CaseResult[],
  baselines: Baselines,
): { text: string[]; isAccepted: boolean } {
  const outcomes = results.map(outcomeOf);
  const good = outcomes.filter(isGood).length;
  const text = [
    `${good} of ${results.length} programs behave as on cpu (${outcomes.filter((o) => o === 'chaotic').length} chaotic ` +
      `up to their first divergence)`,
  ];
  const memories = results.map((result) =>
    isSameMemory(result.facts?.memory, baselines.cpu?.cases[result.name]?.memory),
  );
  const equalMemories = memories.filter((same) => same === true).length;
  if (baselines.cpu !== undefined)
    text.push(`${equalMemories} of ${results.length} end with the tf.memory() of cpu`);
  const stats = results.flatMap((result) => result.facts?.stats ?? []);
  const compiled = sum(stats.map((one) => one.kernelCalls.compiled));
  const calls = compiled + sum(stats.map((one) => one.kernelCalls.fallback));
  if (stats.length > 0) {
    text.push(
      `${percent(compiled, calls)} of ${integer(calls)} kernel calls in compiled graphs ` +
        `(${percent(sum(stats.map((one) => one.firstRunCalls)), calls)} in first runs, call by call); ` +
        `${integer(sum(stats.map((one) => one.compiles)))} compiles, of which ` +
        `${integer(sum(stats.map((one) => one.recompiles)))} recompiles`,
    );
    text.push(`fallbacks: ${describeFallbacks(stats)}`);
  }
  for (const name of ['wasm', 'cpu'] as const) {
    const line = compareTimes(backend, name, results, baselines[name]);
    if (line !== undefined) text.push(line);
  }
  text.push(`${good} passed, ${results.length - good} failed`);
  const isMemoryEqual = baselines.cpu === undefined || equalMemories === results.length;
  const isCompiled = stats.length === 0 || compiled >= 0.99 * calls;
  return { text, isAccepted: good === results.length && isMemoryEqual && isCompiled };
}

function describeFallbacks(stats: readonly FullgraphStats[]): string {
  const counts = new Map<string, number>();
  for (const one of stats)
    for (const [kernel, count] of Object.entries(one.fallbackKernels))
      counts.set(kernel, (counts.get(kernel) ?? 0) + count);
  const entries = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 15);
  return entries.map(([kernel, count]) => `${kernel} ${integer(count)}`).join(', ') || 'none';
}

function compareTimes(
  backend: CorpusBackend,
  name: CorpusBackend,
  results: readonly CaseResult[],
  baseline: Baseline | undefined,
): string | undefined {
  if (baseline === undefined || name === backend) return undefined;
  const both = results.filter((result) => result.ok && baseline.cases[result.name]?.ok === true);
  const ours = sum(both.map((result) => result.ms));
  const theirs = sum(both.map((result) => baseline.cases[result.name]?.ms ?? 0));
  const ourWall = sum(both.map((result) => result.wallMs ?? 0));
  const theirWall = sum(both.map((result) => baseline.cases[result.name]?.wallMs ?? 0));
  return (
    `on the ${both.length} programs that ${name} runs: ${integer(ours)} ms in the programs against ${integer(theirs)} ` +
    `(${(theirs / ours).toFixed(2)}x as fast), ${integer(ourWall)} ms with process start against ${integer(theirWall)} ` +
    `(${name} measured ${baseline.measuredAt.slice(0, 10)})`
  );
}
