/**
 * Whether a decoded line is what its `kind` promises. Traces come from crashed processes, full disks and other versions,
 * so nothing behind this point meets a missing or mistyped field. The table is typed over the record union: a new kind or
 * field does not compile until it is listed here.
 */
import type { GuardKind } from '../ir/guard.ts';
import { decodeRecord, type RecordKind, type TraceRecord } from '../ir/record.ts';

type Check = (value: unknown) => boolean;
type Fields<Kind extends RecordKind> = {
  readonly [Name in Exclude<keyof Extract<TraceRecord, { kind: Kind }>, 'kind'>]-?: Check;
};

const text: Check = (value) => typeof value === 'string';
const number: Check = (value) => typeof value === 'number';
const flag: Check = (value) => typeof value === 'boolean';
const maybe =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const list =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);
const table =
  (check: Check): Check =>
  (value) =>
    isObject(value) && Object.values(value).every(check);
const either =
  (...checks: readonly Check[]): Check =>
  (value) =>
    checks.some((check) => check(value));
const oneOf = (...words: readonly string[]): Check => {
  const known: ReadonlySet<unknown> = new Set(words);
  return (value) => known.has(value);
};
const object = (fields: Readonly<Record<string, Check>>): Check => {
  const entries = Object.entries(fields);
  return (value) => isObject(value) && entries.every(([name, check]) => check(value[name]));
};

const frame = object({
  file: text,
  line: number,
  column: number,
  function: text,
  origin: oneOf('user', 'library', 'framework', 'runtime'),
  code: maybe(text),
});
const tensorType = object({ dtype: text, shape: list(either(number, text)) });
const namedType = object({
  name: text,
  type: tensorType,
  role: maybe(oneOf('input', 'state', 'constant')),
});
const guardKinds: Readonly<Record<GuardKind, true>> = {
  structure: true,
  shape: true,
  dtype: true,
  attribute: true,
  constant: true,
  weights: true,
  outputs: true,
  backend: true,
  stride: true,
  other: true,
};
const difference = object({
  kind: oneOf(...Object.keys(guardKinds)),
  what: text,
  expected: text,
  actual: text,
});
const phase = object({ name: text, durationMs: number });
const scalar = either(text, number, flag);

const fieldsByKind: { readonly [Kind in RecordKind]: Fields<Kind> } = {
  header: {
    schemaVersion: number,
    source: oneOf('fullgraph', 'torch'),
    program: text,
    arguments: list(text),
    cwd: text,
    startedAt: text,
    environment: table(either(text, number)),
  },
  source: { file: text, text },
  coverage: { file: text, instrumented: list(number), executed: list(number) },
  stack: { id: number, frames: list(frame) },
  graph: {
    id: text,
    name: text,
    timeMs: number,
    stack: maybe(number),
    family: text,
    nodeCount: number,
    opCounts: table(number),
    inputs: list(namedType),
    outputs: list(namedType),
    text,
    language: oneOf('fullgraph', 'fx'),
    origins: maybe(list(object({ node: text, stack: maybe(number), scope: maybe(list(text)) }))),
  },
  compile: {
    id: text,
    graph: text,
    timeMs: number,
    durationMs: number,
    trigger: oneOf('first', 'recompile', 'freeze', 'optimize', 'limit'),
    backend: text,
    device: text,
    cache: oneOf('none', 'disk', 'shared'),
    phases: list(phase),
    fallbacks: list(object({ node: text, kernel: text, reason: text })),
    lowered: maybe(table(list(text))),
    guardCount: maybe(number),
  },
  'guard-failure': {
    timeMs: number,
    family: text,
    graph: text,
    closest: text,
    stack: maybe(number),
    differences: list(difference),
    outcome: oneOf('recompile', 'reused', 'limit'),
    hints: maybe(list(text)),
  },
  break: {
    reason: text,
    timeMs: number,
    stack: maybe(number),
    graph: maybe(text),
    tensor: maybe(text),
    type: maybe(tensorType),
    api: maybe(text),
    kernel: maybe(text),
    sizeBytes: maybe(number),
    waitMs: number,
    isInLoop: flag,
    branch: maybe(text),
    detail: maybe(text),
    title: maybe(text),
    explanation: maybe(text),
    hints: maybe(list(text)),
    url: maybe(text),
    weight: maybe(number),
    rank: maybe(number),
    frame: maybe(text),
  },
  run: {
    graph: text,
    compile: text,
    timeMs: number,
    durationMs: number,
    traceMs: number,
    captured: number,
    folded: number,
    eager: number,
  },
  fallback: {
    kernel: text,
    reason: text,
    stack: maybe(number),
    graph: maybe(text),
    count: number,
    durationMs: number,
  },
  saving: {
    reason: text,
    stack: number,
    before: text,
    after: text,
    brokenMs: number,
    stitchedMs: number,
    aroundMs: maybe(number),
    occurrences: number,
    skipped: maybe(text),
  },
  'node-times': { graph: text, runs: number, nodes: table(number) },
  memory: { timeMs: number, tensors: number, tensorBytes: number, rssBytes: number },
  note: {
    severity: oneOf('info', 'warning', 'error'),
    code: text,
    text,
    count: maybe(number),
    stack: maybe(number),
  },
  frame: {
    id: text,
    function: text,
    stack: maybe(number),
    status: oneOf('ok', 'break', 'empty', 'error', 'skipped', 'missing'),
    rank: maybe(number),
    graph: maybe(text),
    reason: maybe(text),
    durationMs: maybe(number),
    restarts: maybe(number),
    restartMs: maybe(number),
    runs: maybe(number),
    details: table(scalar),
  },
  artifact: {
    name: text,
    owner: text,
    language: text,
    text: maybe(text),
    location: maybe(object({ file: text, offset: number, lengthBytes: number, indentBytes: maybe(number) })),
  },
  slice: { lane: text, name: text, timeMs: number, durationMs: number, owner: maybe(text) },
  end: {
    timeMs: number,
    exitCode: number,
    totals: object({
      opsTotal: number,
      opsCaptured: number,
      opsFolded: number,
      opsEager: number,
      wallMs: number,
      traceMs: number,
      compileMs: number,
      runMs: number,
      syncMs: number,
      eagerMs: number,
      emptyReads: number,
    }),
  },
  'minify-start': {
    timeMs: number,
    input: text,
    signature: text,
    size: number,
    unit: oneOf('tokens', 'nodes'),
    stage: maybe(text),
  },
  'minify-stage': { timeMs: number, name: text, verdict: text },
  'minify-trial': {
    timeMs: number,
    pass: text,
    size: number,
    outcome: oneOf('accepted', 'rejected', 'cached', 'slipped', 'invalid'),
    durationMs: number,
    worker: maybe(number),
  },
  'minify-best': { timeMs: number, size: number, text },
  'minify-slip': { timeMs: number, signature: text, text },
  'minify-end': {
    timeMs: number,
    size: number,
    trials: number,
    directory: maybe(text),
    verified: flag,
    culprit: maybe(text),
  },
};

const checksByKind: ReadonlyMap<string, Check> = new Map(
  Object.entries(fieldsByKind).map(([kind, fields]): [string, Check] => [kind, object(fields)]),
);

/** Kinds that this version knows. */
export const recordKinds: readonly string[] = [...checksByKind.keys()];

/** What one line of a trace turned out to be. */
export type ReadLine =
  | { readonly kind: 'record'; readonly record: TraceRecord }
  /** A well-formed record of a newer version. */
  | { readonly kind: 'unknown'; readonly recordKind: string }
  | { readonly kind: 'damaged' }
  | { readonly kind: 'blank' };

/** Reads one line. Never throws. */
export function readRecordLine(line: string): ReadLine {
  if (line.trim() === '') return { kind: 'blank' };
  const record = decodeRecord(line);
  if (record === undefined) return { kind: 'damaged' };
  const check = checksByKind.get(record.kind);
  if (check === undefined) return { kind: 'unknown', recordKind: record.kind };
  return check(record) ? { kind: 'record', record } : { kind: 'damaged' };
}
