/**
 * What each kind of record adds to the state of its process: one small function per kind, in a table. A kind that is
 * not in the table is counted and its payload kept, so that logs of newer torch versions lose nothing.
 */
import type { Dim } from '../ir/tensor-type.ts';
import { parseBreakText } from './break-text.ts';
import { parseChromiumEvent } from './chromium.ts';
import { field } from './compile-id.ts';
import { parseGuardTree } from './guard-tree.ts';
import { asFields, asKey, asList, asNumber, asText, parsePythonJson } from './json.ts';
import { parseMetrics, parseTorchVersion } from './metrics.ts';
import type { Compilation } from './model.ts';
import type { ProcessState } from './process-state.ts';
import type { Payload } from './record-scanner.ts';
import { parseRecompileReasons } from './recompile-reason.ts';
import { zoneOffsetMs } from './stamp.ts';

/** One record, where it belongs, and when it came. */
export interface Arrival {
  readonly process: ProcessState;
  readonly compile: Compilation | undefined;
  readonly kind: string;
  readonly body: unknown;
  readonly payload: Payload | undefined;
  readonly attempt: number;
  readonly timeMs: number;
}

type Handler = (arrival: Arrival) => void;

function ignore(): void {
  // Counted by kind already; nothing in it that a report needs.
}

function attachAs(language: string, name?: string): Handler {
  return ({ process, compile, payload, kind }) => {
    if (payload !== undefined) process.attach(compile, name ?? kind, language, payload);
  };
}

function startCompilation({ process, compile, body }: Arrival): void {
  if (compile === undefined) return;
  compile.state = 'started';
  compile.frames = process.frames(field(body, 'stack'));
}

function dims(value: unknown): Dim[] {
  return asList(value).map((dim) => (typeof dim === 'number' ? dim : (asKey(dim) ?? '?')));
}

function describerKey(body: unknown): string {
  return `${asKey(field(body, 'describer_id')) ?? ''}/${asKey(field(body, 'id')) ?? ''}`;
}

function describeTensor({ process, body }: Arrival): void {
  const device = asText(field(body, 'device')) ?? '';
  const index = /index=(\d+)/.exec(device)?.[1];
  const type = /type='(\w+)'/.exec(device)?.[1] ?? device;
  process.pendingInputs.set(describerKey(body), {
    dtype: (asText(field(body, 'dtype')) ?? 'unknown').replace(/^torch\./, ''),
    device: index === undefined ? type : `${type}:${index}`,
    size: dims(field(body, 'size')),
    stride: dims(field(body, 'stride')),
    requiresGrad: field(body, 'requires_grad') === true,
    isParameter: field(body, 'is_parameter') === true,
  });
}

function describeSource({ process, compile, body }: Arrival): void {
  const source = asText(field(body, 'source'));
  const key = describerKey(body);
  const partial = process.pendingInputs.get(key);
  if (partial === undefined || source === undefined) {
    process.unjoinedInputs++;
    return;
  }
  process.pendingInputs.delete(key);
  compile?.inputs.set(source, { ...partial, source });
}

function outputGraph({ compile, body, payload, attempt, timeMs }: Arrival): void {
  if (compile === undefined || payload === undefined) return;
  compile.graph = { text: payload.text(), sizes: asFields(field(body, 'sizes')) ?? {}, attempt, timeMs };
}

function guardTree(arrival: Arrival): void {
  const { process, compile, payload } = arrival;
  if (compile === undefined || payload === undefined) return;
  compile.guards = parseGuardTree(payload.text(), process.interner);
  process.attach(compile, 'guards', 'text', payload);
}

function endCompilation({ compile, body }: Arrival): void {
  if (compile === undefined) return;
  compile.metrics = parseMetrics(body);
  compile.state = 'ended';
}

function backwardMetrics({ compile, body }: Arrival): void {
  if (compile !== undefined) compile.backwardMs += parseMetrics(body).totalMs ?? 0;
}

function runtimeMetrics({ compile, body }: Arrival): void {
  if (compile !== undefined) compile.runtime = parseMetrics(body);
}

function chromiumEvent({ process, compile, payload, timeMs }: Arrival): void {
  const event = payload === undefined ? undefined : parseChromiumEvent(payload.text());
  if (event === undefined) {
    process.badPayloads++;
    return;
  }
  process.zoneMs ??= zoneOffsetMs(timeMs, event.timeUs / 1000);
  process.pairer.add(event);
  if (event.name !== 'automatic_dynamic' || compile === undefined) return;
  compile.dynamicChanges.push({
    source: asText(event.args['name']) ?? '',
    what: asText(event.args['reason']) ?? 'change',
    dimension: asKey(event.args['dim_changed']) ?? '',
    before: asKey(event.args['cached']) ?? '',
    after: asKey(event.args['new']) ?? '',
  });
}

function specialization({ process, compile, body }: Arrival): void {
  const userFrames = process.frames(field(body, 'user_stack'));
  compile?.specializations.push({
    symbol: asText(field(body, 'symbol')) ?? '',
    sources: asList(field(body, 'sources')).filter((source) => typeof source === 'string'),
    value: asKey(field(body, 'value')) ?? '',
    reason: asText(field(body, 'reason')) ?? '',
    frames: userFrames.length > 0 ? userFrames : process.frames(field(body, 'stack')),
  });
}

function createSymbol({ compile, body }: Arrival): void {
  const symbol = asText(field(body, 'symbol'));
  const source = asText(field(body, 'source'));
  if (compile !== undefined && symbol !== undefined && source !== undefined)
    compile.symbols.set(symbol, source);
}

function exportIssue(
  title: string,
  detail: (body: unknown) => string,
  isIssue?: (body: unknown) => boolean,
): Handler {
  return ({ process, body }) => {
    if (isIssue !== undefined && !isIssue(body)) return;
    const userFrames = process.frames(field(body, 'user_stack'));
    const frames = userFrames.length > 0 ? userFrames : process.frames(field(body, 'stack'));
    process.exportIssues.push({ title, detail: detail(body), frames });
  };
}

function expressionOf(body: unknown): string {
  const result = asKey(field(body, 'result'));
  return `${asText(field(body, 'expr')) ?? 'an expression'}${result === undefined ? '' : ` (was ${result})`}`;
}

function link({ process, compile, body }: Arrival): void {
  const url = asText(field(body, 'url'));
  if (url === undefined) return;
  process.links.push({ name: asText(field(body, 'name')) ?? url, url, owner: compile?.key ?? '' });
}

const errorLine =
  /^(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*(?:Error|Exception|Unsupported|Failed|Hit|Interrupt|Violation)\b.*$/gm;

/** What a traceback ends with: the exception's first line. */
function lastErrorLine(text: string): string | undefined {
  return text.match(errorLine)?.at(-1) ?? text.trim().split('\n').at(-1);
}

function cacheEvent(cache: string, outcome: string): Handler {
  return (arrival) => {
    const { process, compile, payload } = arrival;
    if (payload !== undefined) process.attach(compile, `${cache} cache ${outcome}`, 'json', payload);
    if (compile === undefined) return;
    const key = `${cache} ${outcome}`;
    compile.caches.set(key, (compile.caches.get(key) ?? 0) + 1);
    if (outcome !== 'bypass' || payload === undefined) return;
    const reason = asText(field(parsePythonJson(payload.text()), 'cache_bypass_reason'));
    if (reason !== undefined) compile.cacheBypassReasons.push(reason);
  };
}

function jsonOf({ process, payload }: Arrival): unknown {
  const value = payload === undefined ? undefined : parsePythonJson(payload.text());
  if (value === undefined) process.badPayloads++;
  return value;
}

function graphExecution(arrival: Arrival): void {
  for (const item of asList(field(jsonOf(arrival), 'graph_execution_order'))) {
    const id = asText(field(item, 'compile_id'));
    if (id === undefined) continue;
    const { executions } = arrival.process;
    executions.set(id, (executions.get(id) ?? 0) + 1);
  }
}

function runtimeEstimate(arrival: Arrival): void {
  if (arrival.compile === undefined) return;
  const ops = asList(field(jsonOf(arrival), 'ops'));
  const totalNs = ops.reduce<number>(
    (sum, op) => sum + (asNumber(field(op, 'estimated_runtime_ns')) ?? 0),
    0,
  );
  if (totalNs > 0) arrival.compile.estimatedRunMs = totalNs / 1e6;
}

const artifactHandlers: Readonly<Record<string, Handler>> = {
  dynamo_graph_break_reason: ({ process, compile, payload, attempt, timeMs }) => {
    if (payload === undefined) return;
    (compile?.breaks ?? process.orphanBreaks).push({
      ...parseBreakText(payload.text()),
      attempt,
      timeMs,
      evidence: 'artifact',
    });
  },
  recompile_reasons: ({ compile, payload }) => {
    if (compile !== undefined && payload !== undefined) {
      compile.recompileReasons = parseRecompileReasons(payload.text());
    }
  },
  dynamo_error: ({ process, compile, payload }) => {
    if (payload === undefined) return;
    process.attach(compile, 'error', 'text', payload);
    if (compile !== undefined) compile.error = lastErrorLine(payload.text());
  },
  torch_version: ({ process, payload }) => {
    process.torchVersion ??= payload === undefined ? undefined : parseTorchVersion(payload.text());
  },
  fx_graph_cache_hit: cacheEvent('fx graph', 'hit'),
  fx_graph_cache_miss: cacheEvent('fx graph', 'miss'),
  fx_graph_cache_bypass: cacheEvent('fx graph', 'bypass'),
  aotautograd_cache_hit: cacheEvent('aot autograd', 'hit'),
  aotautograd_cache_miss: cacheEvent('aot autograd', 'miss'),
  aotautograd_cache_bypass: cacheEvent('aot autograd', 'bypass'),
  graph_execution: graphExecution,
  inductor_graph_execution: graphExecution,
  inductor_runtime_and_tensor_meta: runtimeEstimate,
  inductor_collective_schedule: (arrival) => {
    if (arrival.compile === undefined) return;
    arrival.compile.collectives = asList(jsonOf(arrival)).filter((name) => typeof name === 'string');
  },
};

function languageOfArtifact(name: string, encoding: unknown): string {
  if (encoding === 'json') return 'json';
  return /graph|runnable|code|_fn$|wrapper|prologue|epilogue|compiled_function/.test(name) &&
    !/BYTECODE/.test(name)
    ? 'python'
    : 'text';
}

function artifact(arrival: Arrival): void {
  const name = asText(field(arrival.body, 'name')) ?? 'unnamed';
  arrival.process.countArtifact(name);
  const handler = Object.hasOwn(artifactHandlers, name) ? artifactHandlers[name] : undefined;
  if (handler !== undefined) handler(arrival);
  else attachAs(languageOfArtifact(name, field(arrival.body, 'encoding')), name)(arrival);
}

const handlers: Readonly<Record<string, Handler>> = {
  str: ({ process, body }) => {
    const [text, id] = asList(body);
    const key = asKey(id);
    if (typeof text === 'string' && key !== undefined) process.intern(key, text);
    else process.badPayloads++;
  },
  dynamo_start: startCompilation,
  describe_storage: ignore,
  describe_tensor: describeTensor,
  describe_source: describeSource,
  artifact,
  dynamo_output_graph: outputGraph,
  dynamo_guards: attachAs('json'),
  dynamo_cpp_guards_str: guardTree,
  compilation_metrics: endCompilation,
  bwd_compilation_metrics: backwardMetrics,
  aot_autograd_backward_compilation_metrics: backwardMetrics,
  compilation_metrics_runtime: runtimeMetrics,
  bwd_compilation_metrics_runtime: runtimeMetrics,
  aot_joint_graph: attachAs('python'),
  aot_forward_graph: attachAs('python'),
  aot_backward_graph: attachAs('python'),
  aot_inference_graph: attachAs('python'),
  inductor_pre_grad_graph: attachAs('python'),
  inductor_post_grad_graph: attachAs('python'),
  compiled_autograd_graph: attachAs('python'),
  optimize_ddp_split_graph: attachAs('python'),
  optimize_ddp_split_child: (arrival) =>
    attachAs('python', asText(field(arrival.body, 'name')) ?? arrival.kind)(arrival),
  graph_dump: (arrival) => attachAs('python', asText(field(arrival.body, 'name')) ?? arrival.kind)(arrival),
  dump_file: (arrival) => attachAs('python', asText(field(arrival.body, 'name')) ?? arrival.kind)(arrival),
  inductor_output_code: attachAs('python'),
  exported_program: attachAs('text'),
  chromium_event: chromiumEvent,
  symbolic_shape_specialization: specialization,
  create_symbol: createSymbol,
  create_unbacked_symbol: ignore,
  expression_created: ignore,
  guard_added: exportIssue('Guard evaluated', expressionOf, (body) => field(body, 'prefix') === 'eval'),
  guard_added_fast: ignore,
  propagate_real_tensors: ignore,
  propagate_real_tensors_provenance: exportIssue('Data-dependent error', expressionOf),
  missing_fake_kernel: exportIssue(
    'Missing fake kernel',
    (body) => asText(field(body, 'op')) ?? 'an operator',
  ),
  mismatched_fake_kernel: exportIssue(
    'Mismatched fake kernel',
    (body) => `${asText(field(body, 'op')) ?? 'an operator'}: ${asText(field(body, 'reason')) ?? ''}`,
  ),
  link,
};

/** Whether a kind has its own reading here. */
export function isKnownKind(kind: string): boolean {
  return Object.hasOwn(handlers, kind);
}

/** Whether a record is the first of a compilation: `recompile_reasons` and the `dynamo` event precede `dynamo_start`. */
export function opensCompilation(kind: string, body: unknown, payload: Payload | undefined): boolean {
  if (kind === 'dynamo_start') return true;
  if (kind === 'artifact') return field(body, 'name') === 'recompile_reasons';
  if (kind !== 'chromium_event' || payload === undefined || payload.sizeBytes > 1000) return false;
  const text = payload.text();
  return /"name": "dynamo"/.test(text) && /"ph": "B"/.test(text);
}

/** Adds a record to its process. */
export function handleRecord(arrival: Arrival): void {
  arrival.compile?.kinds.add(arrival.kind);
  if (arrival.compile !== undefined) {
    arrival.compile.attempts = Math.max(arrival.compile.attempts, arrival.attempt);
  }
  const handler = isKnownKind(arrival.kind) ? handlers[arrival.kind] : undefined;
  if (handler !== undefined) {
    handler(arrival);
    return;
  }
  arrival.process.countUnknown(arrival.kind, arrival.body);
  attachAs('text')(arrival);
}
