/**
 * Compares what the reader makes of a log with what others counted: `GROUND_TRUTH.json` (from the real tlparse binary),
 * `NAME.truth.json` (a reference parser and PyTorch's own counters) and `NAME.torch_logs.txt` (what TORCH_LOGS printed).
 */
import { checkReport } from './report-checks.ts';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { ScanCounts } from '../../../src/torch/record-scanner.ts';
import { formatCompileId } from '../../../src/torch/compile-id.ts';
import { foldTrace } from '../../../src/torch/fold-trace.ts';
import type { BreakEvent, Compilation, TorchTrace } from '../../../src/torch/model.ts';
import { isFrame, outcomeOf } from '../../../src/torch/outcome.ts';
import { familiesOf } from '../../../src/torch/recompiles.ts';

/** One thing that was compared. */
export interface Check {
  readonly name: string;
  readonly expected: unknown;
  readonly actual: unknown;
}

type Json = Readonly<Record<string, unknown>>;

export function isEqual(check: Check): boolean {
  return JSON.stringify(canonical(check.expected)) === JSON.stringify(canonical(check.actual));
}

/** Objects with sorted keys, so that order does not matter. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
  return entries.map(([key, item]) => [key, canonical(item)]);
}

function totals(
  trace: TorchTrace,
  read: (counts: TorchTrace['processes'][number]['counts']) => ReadonlyMap<string, number>,
): Json {
  const sums: Record<string, number> = {};
  for (const process of trace.processes) {
    for (const [key, count] of read(process.counts)) sums[key] = (sums[key] ?? 0) + count;
  }
  return sums;
}

function scanTotal(trace: TorchTrace, read: (counts: ScanCounts) => number): number {
  return trace.files.reduce((sum, file) => sum + read(file.counts), 0);
}

function compilations(trace: TorchTrace): Compilation[] {
  return trace.processes.flatMap((process) => process.compilations);
}

function frames(trace: TorchTrace): Compilation[] {
  return compilations(trace).filter(isFrame);
}

export function breaksOf(trace: TorchTrace): BreakEvent[] {
  return trace.processes.flatMap((process) => [
    ...process.compilations.flatMap((compile) => compile.breaks),
    ...process.orphanBreaks,
  ]);
}

function countBy(items: readonly string[]): Json {
  const counts: Record<string, number> = {};
  for (const item of items) counts[item] = (counts[item] ?? 0) + 1;
  return counts;
}

/** `-/0/1/2`: as the truth files write ids. */
function rawId(compile: Compilation, attempt: number): string {
  const { compiledAutograd, frame, frameCompile } = compile.id;
  return [compiledAutograd, frame, frameCompile, attempt].map((part) => String(part ?? '-')).join('/');
}

function idList([autograd, frame, frameCompile, attempt]: readonly unknown[]): string {
  return [autograd, frame, frameCompile, attempt]
    .map((part) => (typeof part === 'number' ? String(part) : '-'))
    .join('/');
}

function firstLine(text: unknown): string {
  return String(text).split('\n', 1)[0]!;
}

/** Counts that both kinds of truth file have, under their names. */
function commonChecks(trace: TorchTrace, truth: Json): Check[] {
  const kinds = totals(trace, (counts) => counts.kinds);
  const ids = totals(trace, (counts) => counts.compileIds);
  const all = compilations(trace);
  const ofFrames = frames(trace);
  const distinct = (keys: readonly string[]): number => new Set(keys).size;
  return [
    { name: 'size', expected: truth['size'], actual: scanTotal(trace, (counts) => counts.bytes) },
    { name: 'records', expected: truth['records'], actual: scanTotal(trace, (counts) => counts.records) },
    {
      name: 'bad lines',
      expected: truth['bad_lines'],
      actual: scanTotal(trace, (counts) => counts.badHeaders + counts.badJson),
    },
    { name: 'string records', expected: truth['str_records'], actual: kinds['str'] ?? 0 },
    {
      name: 'md5 failures',
      expected: truth['md5_bad_strict'] ?? truth['md5_failures'],
      actual: scanTotal(trace, (counts) => counts.md5Failures),
    },
    { name: 'kinds', expected: truth['kinds'], actual: kinds },
    { name: 'artifacts', expected: truth['artifacts'], actual: totals(trace, (counts) => counts.artifacts) },
    {
      name: 'frames',
      expected: truth['frames'],
      actual: distinct(
        all
          .filter((compile) => compile.id.frame !== undefined)
          .map((compile) => `${compile.id.compiledAutograd}/${compile.id.frame}`),
      ),
    },
    {
      name: 'frame compiles',
      expected: truth['frame_compiles'],
      actual: distinct(ofFrames.map((compile) => formatCompileId(compile.id))),
    },
    {
      name: 'highest attempt',
      expected: truth['max_attempt'],
      actual: Math.max(0, ...all.map((compile) => compile.attempts)),
    },
    {
      name: 'breaks',
      expected: truth['graph_break_reason_artifacts'] ?? truth['graph_break_artifacts'],
      actual: breaksOf(trace).filter((event) => event.evidence === 'artifact').length,
    },
    {
      name: 'recompile reasons',
      expected: truth['recompile_reason_artifacts'] ?? truth['recompile_artifacts'],
      actual: all.filter((compile) => compile.recompileReasons.length > 0).length,
    },
    { name: 'compile ids', expected: truthIds(truth), actual: ids },
  ];
}

function truthIds(truth: Json): unknown {
  const ids = truth['compile_ids'];
  const table = (Array.isArray(ids) ? Object.fromEntries(ids as [string, number][]) : ids) as Record<
    string,
    number
  >;
  return table;
}

function restartLines(trace: TorchTrace): string[] {
  return compilations(trace)
    .flatMap((compile) =>
      compile.restarts.map((restart) => `${rawId(compile, compile.attempts)} ${firstLine(restart.reason)}`),
    )
    .sort();
}

function failureLines(trace: TorchTrace): string[] {
  return compilations(trace)
    .filter((compile) => compile.metrics?.failType !== undefined)
    .map((compile) => {
      const { failFile, failLine, failType: type, failReason } = compile.metrics!;
      const place = failFile === undefined ? '' : ` ${failFile}:${failLine}`;
      return `${rawId(compile, compile.attempts)} ${type} ${firstLine(failReason ?? '')}${place}`;
    })
    .sort();
}

function failType(type: unknown): string {
  return String(type).replace(/^<class '(?:.*\.)?(\w+)'>$/, '$1');
}

/** The status that tlparse's stack trie shows, by its own rules. */
export function trieStatus(compile: Compilation): 'error' | 'empty' | 'break' | 'ok' | 'missing' {
  const { metrics } = compile;
  if (metrics === undefined) return 'missing';
  if (metrics.failType !== undefined) return 'error';
  if ((metrics.opCount ?? 0) === 0) return 'empty';
  return metrics.restartReasons === undefined || metrics.restartReasons.length > 0 ? 'break' : 'ok';
}

/** Compares a log with its entry of GROUND_TRUTH.json. */
export function checkGroundTruth(trace: TorchTrace, truth: Json): Check[] {
  const restarts = truth['restart_reasons'] as readonly (readonly [readonly unknown[], string])[];
  const failures = truth['failures'] as readonly (readonly [
    readonly unknown[],
    string,
    string,
    string | null,
    number | null,
  ])[];
  const tlparse = truth['tlparse'] as Json;
  const stats = (tlparse['stats'] ?? {}) as Json;
  const recompiled = new Set(
    frames(trace)
      .filter((compile) => (compile.id.frameCompile ?? 0) > 0)
      .map((compile) => formatCompileId(compile.id)),
  );
  const kinds = totals(trace, (counts) => counts.kinds);
  const records = scanTotal(trace, (counts) => counts.records);
  const started = frames(trace).filter(
    (compile) => compile.state !== 'announced' && compile.kinds.has('dynamo_start'),
  );
  const optional: Check[] = [
    { name: 'tlparse: ok', expected: stats['ok'], actual: records - Number(kinds['str'] ?? 0) },
    {
      name: 'tlparse: md5 failures',
      expected: stats['ok'] === undefined ? undefined : (stats['fail_payload_md5'] ?? 0),
      actual: scanTotal(trace, (counts) => counts.md5Failures),
    },
    {
      name: 'tlparse: chromium events',
      expected: tlparse['chromium_events'],
      actual:
        Number(kinds['chromium_event'] ?? 0) -
        trace.processes.reduce((sum, process) => sum + process.counts.badPayloads, 0),
    },
    {
      name: 'tlparse: export issues',
      expected: tlparse['export_issues'] ?? undefined,
      actual: trace.processes.reduce((sum, process) => sum + process.exportIssues.length, 0),
    },
    {
      name: 'tlparse: breaks and failures',
      expected: tlparse['num_breaks'],
      actual: restartLines(trace).length + failureLines(trace).length,
    },
    {
      name: 'tlparse: stack trie',
      expected: tlparse['stack_trie_status'],
      actual: countBy(started.map((compile) => `status-${trieStatus(compile)}`)),
    },
  ];
  return [
    ...commonChecks(trace, truth),
    {
      name: 'ranks',
      expected: truth['ranks'],
      actual: trace.processes.flatMap((process) => [...process.counts.ranks]),
    },
    { name: 'recompiled', expected: truth['recompiled'], actual: recompiled.size },
    {
      name: 'restarts',
      expected: restarts.map(([id, reason]) => `${idList(id)} ${firstLine(reason)}`).sort(),
      actual: restartLines(trace),
    },
    {
      name: 'failures',
      expected: failures
        .map(
          ([id, type, reason, file, line]) =>
            `${idList(id)} ${failType(type)} ${firstLine(reason)}${file === null ? '' : ` ${file}:${line}`}`,
        )
        .sort(),
      actual: failureLines(trace),
    },
    {
      name: 'break texts',
      expected: (truth['gb'] as readonly (readonly [readonly unknown[], string])[])
        .map(([id, text]) => `${idList(id)} ${siteInText(text)}`)
        .sort(),
      actual: breakLines(trace),
    },
    {
      name: 'recompile texts',
      expected: (truth['rc'] as readonly (readonly [readonly unknown[], string])[])
        .map(([id, text]) => `${idList(id)} ${reasonsInText(text).join(' | ')}`)
        .sort(),
      actual: recompileLines(trace),
    },
    ...optional.filter((check) => check.expected !== undefined),
  ];
}

function siteInText(text: string): string {
  const named = /in user code at (.*):(\d+)$/m.exec(text);
  if (named !== null) return `${named[1]}:${named[2]}`;
  const frame = [...text.split('Traceback (most recent')[0]!.matchAll(/File "(.*)", line (\d+)/g)].at(-1);
  return frame === undefined ? '' : `${frame[1]}:${frame[2]}`;
}

function breakLines(trace: TorchTrace): string[] {
  return compilations(trace)
    .flatMap((compile) =>
      compile.breaks
        .filter((event) => event.evidence === 'artifact')
        .map((event) => `${rawId(compile, event.attempt)} ${event.site?.file}:${event.site?.line}`),
    )
    .sort();
}

/** The guards in a payload, without user code: by a cruder way than the reader's. */
function reasonsInText(text: string): string[] {
  return [...text.matchAll(/^"?((?:![\d-]+\/)?\d+\/\d+): (.*?)(?:\s{2,}#.*?)?(?:\\n.*)?"?,?$/gm)].map(
    (match) => `${match[1]}: ${match[2]!.trim()}`,
  );
}

function recompileLines(trace: TorchTrace): string[] {
  return compilations(trace)
    .filter((compile) => compile.recompileReasons.length > 0)
    .map(
      (compile) =>
        `${rawId(compile, 0)} ${compile.recompileReasons.map((reason) => `${reason.entry}: ${reason.guard}`).join(' | ')}`,
    )
    .sort();
}

interface RealTruth {
  readonly reference_parser: Json;
  readonly pytorch: Json;
}

/** Compares a real log with its truth file and with what TORCH_LOGS printed. */
export function checkRealLog(trace: TorchTrace, truth: RealTruth, torchLogs: string): Check[] {
  const reference = truth.reference_parser;
  const events = breaksOf(trace);
  const restarts = reference['restarts'] as readonly (readonly [string, string])[];
  const failures = reference['failures'] as readonly {
    compile_id: string;
    type: string;
    reason: string;
    file: string | null;
    line: number | null;
  }[];
  const recompiles = reference['recompiles'] as readonly (readonly [string, string])[];
  return [
    ...commonChecks(trace, reference),
    {
      name: 'break sites',
      expected: reference['graph_break_sites'],
      actual: countBy(events.map((event) => `${event.site?.file}:${event.site?.line}`)),
    },
    {
      name: 'break ids',
      expected: reference['graph_break_ids'],
      actual: countBy(events.flatMap((event) => event.id?.toLowerCase() ?? [])),
    },
    {
      name: 'restarts',
      expected: restarts.map(([id, reason]) => `${id} ${firstLine(reason)}`).sort(),
      actual: restartLines(trace),
    },
    {
      name: 'restarts whose break is logged and not joined',
      expected: [],
      actual: compilations(trace).flatMap((compile) => unjoinedRestarts(compile)),
    },
    {
      name: 'failures',
      expected: failures
        .map(
          ({ compile_id, type, reason, file, line }) =>
            `${compile_id} ${type} ${firstLine(reason)}${file === null ? '' : ` ${file}:${line}`}`,
        )
        .sort(),
      actual: failureLines(trace),
    },
    {
      name: 'recompiles',
      expected: recompiles.map(([id, text]) => `${id} ${reasonsInText(text).join(' | ')}`).sort(),
      actual: recompileLines(trace),
    },
    {
      name: 'explained recompiles',
      expected: recompiles.length,
      actual: trace.processes
        .flatMap((process) => familiesOf(process.compilations, trace.interner))
        .flatMap((family) => family.recompiles)
        .filter((recompile) => recompile.changes.some((change) => change.isNamed)).length,
    },
    ...compilationChecks(trace, truth.pytorch),
    ...torchLogsChecks(trace, truth.pytorch, torchLogs),
  ];
}

/** Restarts without a cause although a break of the same kind in the same compilation has none to cause. */
function unjoinedRestarts(compile: Compilation): string[] {
  const joined = new Set(compile.restarts.map((restart) => restart.cause));
  const free = compile.breaks.filter((event) => !joined.has(event)).map((event) => event.type);
  return compile.restarts
    .filter((restart) => restart.cause?.site === undefined && free.includes(firstLine(restart.reason)))
    .map((restart) => `${rawId(compile, restart.attempt)} ${firstLine(restart.reason)}`);
}

interface TruthCompilation {
  readonly compile_id: string;
  readonly co_name: string | null;
  readonly where: string | null;
  readonly fail_type: string | null;
  readonly restart_reasons: readonly string[] | null;
  readonly graph_op_count: number | null;
  readonly guard_count: number | null;
  readonly backward?: boolean;
}

/** PyTorch's own list of compilations. Ids start over in each case, so they are compared in order of the log. */
function compilationChecks(trace: TorchTrace, pytorch: Json): Check[] {
  const cases = Object.values(
    pytorch['cases'] as Readonly<Record<string, { compilations?: readonly TruthCompilation[] }>>,
  );
  const expected = cases
    .flatMap((item) => item.compilations ?? [])
    .filter((item) => item.backward !== true && item.co_name !== null);
  if (expected.length === 0) return [];
  const lines = frames(trace)
    .filter((compile) => compile.metrics?.functionName !== undefined)
    .map(({ metrics }) =>
      [
        metrics!.functionName,
        `${metrics!.file}:${metrics!.line}`,
        metrics!.failType ?? null,
        metrics!.restartReasons?.length ?? null,
        metrics!.opCount ?? null,
        metrics!.guardCount ?? null,
      ].join(' '),
    );
  const wanted = expected.map((item) =>
    [
      item.co_name,
      item.where,
      item.fail_type,
      item.restart_reasons?.length ?? null,
      item.graph_op_count,
      item.guard_count,
    ].join(' '),
  );
  // Compilations of cases that PyTorch's counters no longer held are in the log only: each expected one must be there.
  const missing = wanted.filter((line) => !lines.includes(line));
  return [{ name: 'compilations of PyTorch', expected: [], actual: missing }];
}

interface LoggedBreak {
  readonly id: string;
  readonly lines: string[];
}

/** The text of each break that TORCH_LOGS printed. */
function loggedBreaks(
  lines: readonly { readonly id: string; readonly log: string; readonly text: string }[],
): LoggedBreak[] {
  const blocks: LoggedBreak[] = [];
  for (const { id, log, text } of lines) {
    if (log !== 'graph_breaks') continue;
    if (text.startsWith('Graph break')) blocks.push({ id, lines: [] });
    blocks.at(-1)?.lines.push(text);
  }
  return blocks;
}

/** Where and why breaks happened and functions were compiled again, in TORCH_LOGS' words. */
function torchLogsChecks(trace: TorchTrace, pytorch: Json, torchLogs: string): Check[] {
  const lines = torchLogs.split('\n').flatMap((line) => {
    const match = /^[VIWE]\d{4} [\d:.]+ \d+ \S+\] \[([^\]]*)\] \[__(graph_breaks|recompiles)\] ?(.*)$/.exec(
      line,
    );
    return match === null ? [] : [{ id: match[1]!, log: match[2]!, text: match[3]! }];
  });
  // TORCH_LOGS may have been off, or on for one of the two.
  const hasBreaks = lines.some((line) => line.log === 'graph_breaks');
  const hasRecompiles = lines.some((line) => line.log === 'recompiles');
  const breaks = lines
    .filter((line) => line.log === 'graph_breaks' && line.text.startsWith('Graph break'))
    .map((line) => `${line.id} ${/in user code at (.*)$/.exec(line.text)?.[1]}`);
  const recompiles = lines
    .filter((line) => line.log === 'recompiles' && line.text.startsWith('Recompiling'))
    .map((line) => `${line.id} ${line.text.slice(12)}`);
  const guards = lines
    .filter((line) => line.log === 'recompiles' && /^ +- (?:![\d-]+\/)?\d+\/\d+: /.test(line.text))
    .map(
      (line) =>
        `${line.id} ${line.text
          .replace(/^ +- /, '')
          .replace(/\s{2,}#.*$/, '')
          .trim()}`,
    );
  const idOf = (compile: Compilation, attempt: number): string =>
    `${formatCompileId(compile.id)}${attempt > 0 ? `_${attempt}` : ''}`;
  const own = frames(trace);
  const families = trace.processes.flatMap((process) => familiesOf(process.compilations, trace.interner));
  const recompileLine = (compile: Compilation): string => {
    const family = families.find((candidate) => candidate.compilations.includes(compile))!;
    const metrics =
      compile.metrics?.functionName === undefined ? family.compilations[0]?.metrics : compile.metrics;
    return `${idOf(compile, 0)} function ${metrics?.functionName} in ${metrics?.file}:${metrics?.line}`;
  };
  const withReasons = own.filter((compile) => compile.recompileReasons.length > 0);
  const blocks = loggedBreaks(lines);
  const events = own.flatMap((compile) =>
    compile.breaks.map((event) => ({ id: idOf(compile, event.attempt), event })),
  );
  const unexplained = blocks.filter(
    ({ id, lines: text }) =>
      !events.some((item) => item.id === id && text.some((line) => line.trim().endsWith(item.event.type))),
  );
  const skips = blocks.filter(({ lines: text }) =>
    /Skipping the function|results in a skip/.test(text.join('\n')),
  );
  const limits = torchLogs.split('\n').filter((line) => /hit config\.\w*limit \(\d+\)/.test(line));
  const outcomes = own.map((compile) => ({ compile, outcome: outcomeOf(compile) }));
  const breakChecks: Check[] = [
    {
      name: 'TORCH_LOGS break reasons',
      expected: [],
      actual: unexplained.map((block) => block.lines.slice(0, 4)),
    },
    {
      name: 'TORCH_LOGS skipped functions',
      expected: skips.map((block) => block.id).sort(),
      actual: outcomes
        .filter(({ outcome }) => outcome.status === 'skipped' && !outcome.isLimit)
        .map(({ compile }) => idOf(compile, compile.attempts))
        .sort(),
    },
    {
      name: 'TORCH_LOGS breaks',
      expected: pytorch['torch_logs_graph_break_lines'],
      actual: breaksOf(trace).length,
    },
    {
      name: 'TORCH_LOGS break lines',
      expected: breaks.sort(),
      actual: own
        .flatMap((compile) =>
          compile.breaks.map(
            (event) => `${idOf(compile, event.attempt)} ${event.site?.file}:${event.site?.line}`,
          ),
        )
        .sort(),
    },
  ];
  const recompileChecks: Check[] = [
    {
      name: 'TORCH_LOGS recompile limits',
      expected: limits.map((line) => /\] \[([^\]]*)\] /.exec(line)?.[1] ?? '').sort(),
      actual: outcomes
        .filter(({ outcome }) => outcome.isLimit)
        .map(({ compile }) => idOf(compile, compile.attempts))
        .sort(),
    },
    {
      name: 'TORCH_LOGS recompiles',
      expected: pytorch['torch_logs_recompile_lines'],
      actual: withReasons.length,
    },
    {
      name: 'TORCH_LOGS recompiled functions',
      expected: recompiles.sort(),
      actual: withReasons.map(recompileLine).sort(),
    },
    {
      name: 'TORCH_LOGS failed guards',
      expected: guards.sort(),
      actual: withReasons
        .flatMap((compile) =>
          compile.recompileReasons.map((reason) => `${idOf(compile, 0)} ${reason.entry}: ${reason.guard}`),
        )
        .sort(),
    },
  ];
  return [
    ...(hasBreaks || events.length === 0 ? breakChecks : []),
    ...(hasRecompiles || withReasons.length === 0 ? recompileChecks : []),
  ];
}

/** A log with everything that is known about it. */
export interface Subject {
  readonly name: string;
  readonly path: string;
  readonly check: (trace: TorchTrace) => Check[];
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8')) as unknown;
}

/** All logs below a folder that has GROUND_TRUTH.json and `real/NAME/`; empty when it is not there. */
export function findSubjects(folder: string): Subject[] {
  const truthFile = join(folder, 'GROUND_TRUTH.json');
  if (!existsSync(truthFile)) return [];
  const truths = readJson(truthFile) as Readonly<Record<string, Json>>;
  const upstream = Object.entries(truths).map(([name, truth]): Subject => ({
    name,
    path: join(folder, name),
    check: (trace) => checkGroundTruth(trace, truth),
  }));
  const realFolder = join(folder, 'real');
  const names = existsSync(realFolder) ? readdirSync(realFolder).sort() : [];
  const known = names.filter((name) => existsSync(join(realFolder, name, `${name}.truth.json`)));
  const real = known.map((name): Subject => {
    const stem = join(realFolder, name, name);
    return {
      name: `real/${name}`,
      path: [`${stem}.log`, `${stem}.log.gz`].find(existsSync) ?? join(realFolder, name),
      check: (trace) => {
        const logs = `${stem}.torch_logs.txt`;
        const truth = readJson(`${stem}.truth.json`) as RealTruth;
        return [
          ...checkRealLog(trace, truth, existsSync(logs) ? readFileSync(logs, 'utf8') : ''),
          ...checkReport(trace, truth.reference_parser),
        ];
      },
    };
  });
  return [...upstream, ...real];
}

/** Reads a log and compares it. */
export async function runSubject(subject: Subject): Promise<Check[]> {
  return subject.check(await foldTrace([subject.path]));
}

/** Where the logs lie: beside the repository. */
export const sharedTraces: string = join(
  dirname(dirname(dirname(import.meta.dirname))),
  '..',
  'shared',
  'torch_trace',
);

/** For tables. */
export function shortName(subject: Subject): string {
  return subject.name.includes('/') && !subject.name.startsWith('real/')
    ? basename(subject.name)
    : subject.name;
}
