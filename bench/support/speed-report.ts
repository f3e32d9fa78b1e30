/** Medians, ratios, the Markdown tables of `npm run bench` and the bars they are held against. Pure. */
import type { ContenderName } from './contenders.ts';
import type { FirstCallResult, Measured, SteadyResult, Tracing } from './speed-job.ts';

export interface SpeedRow {
  readonly kind: 'inference' | 'training';
  readonly steady: SteadyResult;
  readonly cold?: FirstCallResult;
  readonly warm?: FirstCallResult;
  readonly tracing?: Tracing;
  /** Why fullgraph is missing from the row. */
  readonly failure?: string;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

const present = (measured: Measured | undefined): number[] =>
  (measured?.rounds ?? []).filter((value) => value !== null);

/** How many times longer `slower` takes: the median over the rounds that both ran, which cancels the machine's mood. */
export function timesFaster(faster: Measured | undefined, slower: Measured | undefined): number | undefined {
  if (faster === undefined || slower === undefined) return undefined;
  const ratios = slower.rounds.flatMap((ms, round) => {
    const other = faster.rounds[round];
    return ms === null || typeof other !== 'number' ? [] : [ms / other];
  });
  return ratios.length === 0 ? undefined : median(ratios);
}

/** The fastest tfjs backend that can run the program at all: wasm, else cpu. */
function speedup(row: SpeedRow): number | undefined {
  const { fullgraph, wasm, cpu } = row.steady.contenders;
  return timesFaster(fullgraph, wasm ?? cpu);
}

function milliseconds(value: number): string {
  if (!Number.isFinite(value)) return '-';
  return value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : Math.round(value).toString();
}

function time(measured: Measured | undefined): string {
  const values = present(measured);
  return values.length === 0 ? '-' : `${milliseconds(median(values))} (${milliseconds(Math.min(...values))})`;
}

function times(ratio: number | undefined): string {
  return ratio === undefined ? '-' : `${ratio < 10 ? ratio.toFixed(2) : ratio.toFixed(1)}x`;
}

function markdown(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join(' | ')} |`;
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  const [header = [], ...body] = rows;
  return [line(header), rule, ...body.map(line)].join('\n');
}

function timesTable(rows: readonly SpeedRow[], columns: readonly ContenderName[]): string {
  const titles: Record<ContenderName, string> = {
    fullgraph: 'fullgraph',
    wasm: 'tfjs wasm',
    cpu: 'tfjs cpu',
    onnx: 'hand-written ONNX',
  };
  const others = columns.filter((name) => name !== 'fullgraph');
  const hasOurs = rows.some((row) => row.steady.contenders.fullgraph !== undefined);
  const header = [
    'program',
    ...columns.map((name) => `${titles[name]} ms`),
    ...(hasOurs
      ? others.map((name) => (name === 'onnx' ? '/ ONNX' : `x ${name}`))
      : columns.includes('onnx')
        ? ['wasm / ONNX']
        : []),
    'largest error',
  ];
  const body = rows.map(({ steady: { model, contenders } }) => [
    model,
    ...columns.map((name) => time(contenders[name])),
    ...(hasOurs
      ? others.map((name) =>
          name === 'onnx'
            ? times(timesFaster(contenders.onnx, contenders.fullgraph))
            : times(timesFaster(contenders.fullgraph, contenders[name])),
        )
      : columns.includes('onnx')
        ? [times(timesFaster(contenders.onnx, contenders.wasm))]
        : []),
    Math.max(...Object.values(contenders).map((measured) => measured.relativeError)).toExponential(1),
  ]);
  return markdown([header, ...body]);
}

function overheadTable(rows: readonly SpeedRow[]): string {
  const header = [
    'program',
    'initialization ms',
    'of wasm',
    'trace + compile cold ms',
    'warm',
    'ratio',
    'first call cold ms',
    'warm',
    'first call wasm ms',
    'kernel calls',
    'in graphs',
    'trace us/call',
    'trace share',
    'compiles',
    'recompiles',
  ];
  const body = rows.map(({ steady, cold, warm, tracing }) => {
    return [
      steady.model,
      warm === undefined ? '-' : milliseconds(warm.initializingMs),
      warm === undefined ? '-' : milliseconds(warm.wasmInitializingMs),
      cold === undefined ? '-' : milliseconds(cold.preparingMs),
      warm === undefined ? '-' : milliseconds(warm.preparingMs),
      cold && warm ? times(cold.preparingMs / warm.preparingMs) : '-',
      cold === undefined ? '-' : milliseconds(cold.firstCallMs),
      warm === undefined ? '-' : milliseconds(warm.firstCallMs),
      milliseconds(steady.contenders.wasm?.firstCallMs ?? Number.NaN),
      ...(tracing === undefined
        ? ['-', '-', '-', '-', '-', '-']
        : [
            Math.round(tracing.callsPerRun).toString(),
            `${(100 * tracing.compiledShare).toFixed(1)} %`,
            tracing.microsecondsPerCall.toFixed(2),
            `${(100 * tracing.share).toFixed(1)} %`,
            tracing.compiles.toString(),
            tracing.recompiles.toString(),
          ]),
    ];
  });
  return markdown([header, ...body]);
}

export interface Bar {
  readonly text: string;
  readonly isMet: boolean;
}

/** The bars that can be judged from these rows (of one number of threads). */
export function judgeBars(rows: readonly SpeedRow[]): Bar[] {
  const bars: Bar[] = rows.flatMap(({ steady, failure }) =>
    failure === undefined ? [] : [{ text: `${steady.model} fails: ${failure}`, isMet: false }],
  );
  const add = (name: string, value: number | undefined, limit: number, isUpper = false): void => {
    if (value === undefined || Number.isNaN(value)) return;
    const isMet = isUpper ? value <= limit : value >= limit;
    bars.push({ text: `${name}: ${times(value)} (${isUpper ? 'at most' : 'at least'} ${limit}x)`, isMet });
  };
  const find = (model: string): SteadyResult['contenders'] | undefined =>
    rows.find((row) => row.steady.model === model)?.steady.contenders;
  for (const [model, limit] of [
    ['ResNet50', 8],
    ['BERT-like encoder', 8],
    ['MobileNetV2', 10],
  ] as const)
    add(`${model} against wasm`, timesFaster(find(model)?.fullgraph, find(model)?.wasm), limit);
  for (const model of ['ResNet50', 'BERT-like encoder'])
    add(
      `${model} against hand-written ONNX`,
      timesFaster(find(model)?.onnx, find(model)?.fullgraph),
      1.15,
      true,
    );
  const mean = (kind: SpeedRow['kind']): number | undefined => {
    const ratios = rows.filter((row) => row.kind === kind).map(speedup);
    const known = ratios.filter((ratio) => ratio !== undefined);
    return known.length === 0 || known.length < ratios.length ? undefined : geometricMean(known);
  };
  add('inference, geometric mean against wasm', mean('inference'), 8);
  add('training, geometric mean against wasm where it can, else cpu', mean('training'), 10);
  const mnist = find('MNIST conv net');
  add('MNIST conv net against cpu', timesFaster(mnist?.fullgraph, mnist?.cpu), 100);
  for (const { steady, cold, warm } of rows)
    if (cold && warm)
      add(`${steady.model}, trace + compile with a warm disk cache`, cold.preparingMs / warm.preparingMs, 3);
  return bars;
}

/** Tables and bars of one number of threads, as Markdown. */
export function formatSpeedReport(rows: readonly SpeedRow[], threads: number): string {
  const inference = rows.filter((row) => row.kind === 'inference');
  const training = rows.filter((row) => row.kind === 'training');
  const ours = rows.filter((row) => row.steady.contenders.fullgraph !== undefined);
  const has = (some: readonly SpeedRow[], name: ContenderName): boolean =>
    some.some((row) => row.steady.contenders[name] !== undefined);
  const columnsOf = (some: readonly SpeedRow[]): ContenderName[] =>
    (['fullgraph', 'wasm', 'cpu', 'onnx'] as const).filter((name) => has(some, name));
  const unit = threads === 1 ? '1 thread' : `${threads} threads`;
  const parts: string[] = [];
  if (inference.length > 0)
    parts.push(
      `### Inference, ${unit}: median (minimum) per call, batch 1`,
      timesTable(inference, columnsOf(inference)),
    );
  if (training.length > 0)
    parts.push(
      `### Training, ${unit}: median (minimum) per step, batch 32`,
      timesTable(training, columnsOf(training)),
    );
  if (ours.length > 0) parts.push(`### First call and tracing, ${unit}`, overheadTable(ours));
  const bars = judgeBars(rows);
  if (bars.length > 0)
    parts.push(
      `### Bars, ${unit}`,
      bars.map(({ text, isMet }) => `- ${isMet ? 'met' : 'MISSED'}: ${text}`).join('\n'),
    );
  return parts.join('\n\n');
}
