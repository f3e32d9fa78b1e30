/**
 * One compilation as the records that explain and the UI know: frame, graph, compile, breaks, guard failure, texts.
 */
import type {
  ArtifactRecord,
  BreakRecord,
  CompileRecord,
  FrameRecord,
  GraphRecord,
  GuardFailureRecord,
  NamedType,
  TraceRecord,
} from '../ir/record.ts';
import type { StackFrame } from '../ir/span.ts';
import { hintsFor } from './break-advice.ts';
import { countOps, parseFxCode, type FxGraph } from './fx-code.ts';
import { shortenSource } from './guard-tree.ts';
import { phasesOf } from './metrics.ts';
import type { Attachment, BreakEvent, Compilation, TorchProcess } from './model.ts';
import { frameId, functionName, graphId, readableFunction } from './naming.ts';
import { isFrame, outcomeOf, type Outcome } from './outcome.ts';
import { originOf } from './python-stack.ts';
import { adviceFor, forecast } from './recompile-advice.ts';
import type { Family, Recompile } from './recompiles.ts';
import type { StackTable } from './stack-table.ts';

/** What the records of one process share. */
export interface EmitScope {
  readonly process: TorchProcess;
  readonly prefix: string;
  readonly stacks: StackTable;
  /** Start of the trace on the clock of `Compilation.timeMs`. */
  readonly originMs: number;
}

type Optional<Value> = { readonly [Key in keyof Value]: Value[Key] | undefined };

/** Drops fields that are `undefined`. */
function present<Value extends object>(fields: Optional<Value>): Partial<Value> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as Partial<Value>;
}

/**
 * The stack of a call, innermost first, beginning with the function's definition. Its innermost frame counts as the
 * user's: that is the code that was compiled, wherever it lies.
 */
function callFrames(compile: Compilation): readonly StackFrame[] {
  const { metrics, frames } = compile;
  const [first, ...outer] = frames;
  if (
    first === undefined ||
    (metrics?.functionName !== undefined && first.function !== metrics.functionName)
  ) {
    if (metrics?.file === undefined || metrics.line === undefined) return frames;
    const definition = {
      file: metrics.file,
      line: metrics.line,
      column: 1,
      function: metrics.functionName ?? '',
    };
    return [{ ...definition, origin: 'user' }, ...frames];
  }
  return [{ ...first, origin: 'user' }, ...outer];
}

/** The stack of a break: its own, with the line that torch names as the user's on top; else the call's. */
function breakFrames(event: BreakEvent, compile: Compilation | undefined): readonly StackFrame[] {
  const [first, ...outer] = event.frames;
  const { site } = event;
  if (site === undefined)
    return first === undefined ? (compile === undefined ? [] : callFrames(compile)) : [first, ...outer];
  if (first !== undefined && first.file === site.file && first.line === site.line) {
    return [{ ...first, origin: 'user' }, ...outer];
  }
  const caller = first === undefined && compile !== undefined ? callFrames(compile) : event.frames;
  const name = caller[0]?.file === site.file ? caller[0].function : '';
  return [{ ...site, column: 1, function: name, origin: 'user' }, ...caller];
}

function slug(text: string): string {
  const words = text.toLowerCase().match(/[a-z0-9]+/g) ?? ['unknown'];
  return `torch-${words.slice(0, 8).join('-')}`;
}

/** The record of one break. `compile` is absent when torch names none. */
export function breakRecord(
  scope: EmitScope,
  event: BreakEvent,
  compile: Compilation | undefined,
): BreakRecord {
  const details = [
    event.context,
    event.nested === undefined ? undefined : `then: ${event.nested.split('\n')[0]}`,
  ];
  const detail = details.filter((part) => part !== undefined).join('\n');
  return {
    kind: 'break',
    reason: event.id ?? slug(event.type),
    timeMs: event.timeMs - scope.originMs,
    waitMs: 0,
    isInLoop: /for\/while loop|in a loop/.test(`${event.explanation ?? ''}${event.tracing ?? ''}`),
    title: event.type,
    hints: hintsFor(event),
    ...present<BreakRecord>({
      stack: scope.stacks.id(breakFrames(event, compile)),
      graph: compile?.graph === undefined ? undefined : graphId(scope.prefix, compile),
      branch: /branching/i.test(event.type) ? event.frames[0]?.code : undefined,
      detail: detail === '' ? undefined : detail,
      explanation:
        event.explanation ?? (event.evidence === 'restart' ? 'Known from the restart it caused.' : undefined),
      url: event.url,
      weight: compile?.runs === undefined ? undefined : Math.max(1, compile.runs),
      rank: scope.process.rank,
      frame: compile === undefined ? undefined : frameId(scope.prefix, compile),
    } as Optional<BreakRecord>),
  };
}

function cacheDetails(compile: Compilation): Record<string, string | number> {
  const details: Record<string, string | number> = {};
  for (const [event, count] of compile.caches) {
    const [, cache, outcome] = /^(.*) (hit|miss|bypass)$/.exec(event) ?? [];
    if (cache === undefined || outcome === undefined) continue;
    // A miss in one of several lookups means that something was compiled.
    if (details[`${cache} cache`] !== 'miss') details[`${cache} cache`] = outcome;
    if (count > 1) details[`${cache} cache ${outcome} count`] = count;
  }
  if (compile.cacheBypassReasons.length > 0)
    details['cache bypass reason'] = compile.cacheBypassReasons.join('; ');
  return details;
}

function frameDetails(compile: Compilation, outcome: Outcome): Record<string, string | number | boolean> {
  const { metrics, runtime, guards } = compile;
  const latencyUs = metrics?.guardLatencyUs ?? guards?.latencyUs;
  const details = present({
    attempts: compile.attempts + 1,
    guards: metrics?.guardCount ?? guards?.count,
    'guard latency us': latencyUs,
    ops: metrics?.opCount,
    nodes: metrics?.nodeCount,
    inputs: metrics?.inputCount,
    'cache entries before': metrics?.cacheSize,
    'compile time saved by caches ms': metrics?.cacheSavedMs,
    'backward compile ms': compile.backwardMs > 0 ? compile.backwardMs : undefined,
    'garbage collection ms': metrics?.gcMs,
    'triton compile ms': metrics?.tritonMs,
    'cudagraphs ms': runtime?.cudagraphifyMs,
    'autotuning ms': runtime?.autotuneMs,
    'estimated run ms': compile.estimatedRunMs,
    'cudagraphs skipped': metrics?.cudagraphSkipReason ?? runtime?.cudagraphSkipReason,
    'reset before': compile.occurrence > 0 ? true : undefined,
    'limit hit': outcome.isLimit ? true : undefined,
    error: compile.error,
  }) as Record<string, string | number | boolean>;
  const symbols = [...compile.symbols].map(([symbol, source]) => `${symbol} = ${shortenSource(source)}`);
  if (symbols.length > 0) details['symbols'] = symbols.join(', ');
  return { ...details, ...cacheDetails(compile) };
}

function frameRecord(scope: EmitScope, compile: Compilation, family: Family, hasGraph: boolean): FrameRecord {
  const outcome = outcomeOf(compile);
  const first = family.compilations[0];
  const frames = callFrames(compile);
  const stack = scope.stacks.id(frames.length > 0 || first === undefined ? frames : callFrames(first));
  return {
    kind: 'frame',
    id: frameId(scope.prefix, compile),
    function: readableFunction(functionName(compile, first)),
    status: outcome.status,
    details: frameDetails(compile, outcome),
    restarts: compile.restarts.length,
    ...present<FrameRecord>({
      stack,
      rank: scope.process.rank,
      graph: hasGraph ? graphId(scope.prefix, compile) : undefined,
      reason: outcome.reason,
      durationMs: compile.metrics?.totalMs,
      restartMs: compile.restarts.length > 0 ? compile.metrics?.restartMs : undefined,
      runs: compile.runs,
    } as Optional<FrameRecord>),
  };
}

function inputRole(name: string): NamedType['role'] {
  return /_parameters_/.test(name) ? 'constant' : /_buffers_/.test(name) ? 'state' : 'input';
}

function namedInputs(graph: FxGraph): NamedType[] {
  return graph.inputs.flatMap(({ name, type }) => {
    const role = inputRole(name);
    return type === undefined ? [] : [{ name, type, ...(role === undefined ? {} : { role }) }];
  });
}

function namedOutputs(graph: FxGraph): NamedType[] {
  const types = new Map(graph.nodes.map((node) => [node.name, node.type]));
  return graph.outputs.flatMap((name) => {
    const type = types.get(name);
    return type === undefined ? [] : [{ name, type }];
  });
}

function graphRecord(scope: EmitScope, compile: Compilation, family: Family): GraphRecord {
  const { graph, metrics } = compile;
  const fx = parseFxCode(graph?.text ?? '', graph?.sizes ?? {});
  const placeStacks = fx.places.map((place) =>
    scope.stacks.id([{ ...place, column: 1, origin: originOf(place.file) }]),
  );
  const origins = fx.nodes.flatMap((node) => {
    const stack = placeStacks[node.place];
    return stack === undefined ? [] : [{ node: node.name, stack }];
  });
  return {
    kind: 'graph',
    id: graphId(scope.prefix, compile),
    name: readableFunction(functionName(compile, family.compilations[0])),
    timeMs: (graph?.timeMs ?? compile.timeMs) - scope.originMs,
    family: `${scope.prefix}${family.key}`,
    nodeCount: metrics?.nodeCount ?? fx.nodes.length,
    opCounts: countOps(fx),
    inputs: namedInputs(fx),
    outputs: namedOutputs(fx),
    text: graph?.text ?? '',
    language: 'fx',
    origins,
    ...present<GraphRecord>({ stack: scope.stacks.id(callFrames(compile)) } as Optional<GraphRecord>),
  };
}

/** The backend, told by the kinds of records it leaves. */
function backendOf(compile: Compilation): string {
  const has = (pattern: RegExp): boolean => [...compile.kinds].some((kind) => pattern.test(kind));
  if (has(/^inductor_/) || [...compile.caches.keys()].some((event) => event.startsWith('fx graph')))
    return 'inductor';
  return has(/^aot_/) ? 'aot autograd' : 'eager or custom';
}

function compileRecord(scope: EmitScope, compile: Compilation): CompileRecord {
  const { metrics } = compile;
  const device =
    [...compile.inputs.values()].find((input) => !input.isParameter) ?? [...compile.inputs.values()][0];
  const events = [...compile.caches.keys()];
  const isCached =
    events.some((event) => event.endsWith('hit')) && !events.some((event) => event.endsWith('miss'));
  const phases = metrics === undefined ? [] : phasesOf(metrics, compile.restarts.length > 0);
  const guardCount = metrics?.guardCount ?? compile.guards?.count;
  return {
    kind: 'compile',
    id: frameId(scope.prefix, compile),
    graph: graphId(scope.prefix, compile),
    timeMs: compile.timeMs - scope.originMs,
    durationMs: metrics?.totalMs ?? 0,
    trigger: (compile.id.frameCompile ?? 0) > 0 ? 'recompile' : 'first',
    backend: backendOf(compile),
    device: device?.device ?? 'unknown',
    cache: isCached ? 'disk' : 'none',
    phases:
      compile.backwardMs > 0
        ? [...phases, { name: 'lazy backward', durationMs: compile.backwardMs }]
        : phases,
    fallbacks: [],
    ...(guardCount === undefined ? {} : { guardCount }),
  };
}

/** Hints of the newest recompile: the forecast, then what to do about each named cause. */
function recompileHints(family: Family, recompile: Recompile): string[] {
  if (recompile !== family.recompiles.at(-1)) return [];
  const { text, varying } = forecast(family);
  const causes = varying.filter((fact) => fact.change.isNamed);
  const advice = (causes.length > 0 ? causes : varying).slice(0, 3).flatMap((fact) => adviceFor(fact.change));
  const own = recompile.compile.recompileReasons.flatMap((reason) => reason.hint ?? []);
  return [...new Set([text, ...advice, ...own])];
}

function failureRecord(scope: EmitScope, family: Family, recompile: Recompile): GuardFailureRecord {
  const { compile, closest, changes, isLimit } = recompile;
  const hints = recompileHints(family, recompile);
  const frames = callFrames(compile);
  const first = family.compilations[0];
  const stack = scope.stacks.id(frames.length > 0 || first === undefined ? frames : callFrames(first));
  return {
    kind: 'guard-failure',
    timeMs: compile.timeMs - scope.originMs,
    family: `${scope.prefix}${family.key}`,
    graph: graphId(scope.prefix, compile),
    closest: closest === undefined ? '' : graphId(scope.prefix, closest),
    differences: changes.map(({ kind, what, expected, actual }) => ({ kind, what, expected, actual })),
    outcome: isLimit ? 'limit' : 'recompile',
    ...(stack === undefined ? {} : { stack }),
    ...(hints.length === 0 ? {} : { hints }),
  };
}

/** A text that lies in the log, as a record. */
export function artifactRecord(process: TorchProcess, owner: string, attachment: Attachment): ArtifactRecord {
  const { name, language, region, text } = attachment;
  const isReadable = process.file.path !== '-' && !process.file.isCompressed;
  return {
    kind: 'artifact',
    name,
    owner,
    language,
    ...(text === undefined ? {} : { text }),
    ...(isReadable ? { location: { file: process.file.path, ...region } } : {}),
  };
}

/** The function's inputs as a small table. */
function inputsArtifact(compile: Compilation, owner: string): ArtifactRecord[] {
  if (compile.inputs.size === 0) return [];
  const lines = [...compile.inputs.values()].map((input) => {
    const flags = [input.isParameter ? 'parameter' : '', input.requiresGrad ? 'requires_grad' : ''];
    const words = [
      `${shortenSource(input.source)}: ${input.dtype}[${input.size.join(', ')}]`,
      `stride [${input.stride.join(', ')}]`,
      input.device,
      ...flags,
    ];
    return words.filter((word) => word !== '').join('  ');
  });
  return [{ kind: 'artifact', name: 'inputs', owner, language: 'text', text: `${lines.join('\n')}\n` }];
}

/** All records of one compilation, stacks first. */
export function emitCompilation(scope: EmitScope, compile: Compilation, family: Family): TraceRecord[] {
  const recompile = family.recompiles.find((candidate) => candidate.compile === compile);
  // An empty graph is worth a record only as a column of its family's matrix.
  const isEmptyColumn = compile.guards !== undefined && family.compilations.length > 1;
  const hasGraph = compile.graph !== undefined || isEmptyColumn;
  const isCompiled = hasGraph && compile.metrics?.failType === undefined;
  const owner = hasGraph ? graphId(scope.prefix, compile) : frameId(scope.prefix, compile);
  const records: TraceRecord[] = [
    frameRecord(scope, compile, family, hasGraph),
    ...(hasGraph ? [graphRecord(scope, compile, family)] : []),
    ...(isCompiled ? [compileRecord(scope, compile)] : []),
    ...(recompile === undefined ? [] : [failureRecord(scope, family, recompile)]),
    ...compile.breaks.map((event) => breakRecord(scope, event, compile)),
    ...inputsArtifact(compile, owner),
    ...compile.attachments.map((attachment) => artifactRecord(scope.process, owner, attachment)),
  ];
  return [...scope.stacks.takeFresh(), ...records];
}

/** Texts of a compiled-autograd graph, which is no frame. */
export function emitOther(scope: EmitScope, compile: Compilation): TraceRecord[] {
  if (isFrame(compile)) return [];
  const owner = graphId(scope.prefix, compile);
  return compile.attachments.map((attachment) => artifactRecord(scope.process, owner, attachment));
}
