/**
 * The ninety-odd fields of `compilation_metrics` in, the few that reports need out. Names changed over the years
 * (seconds to microseconds, lists to comma strings, fields added and dropped), so each fact is looked for under all
 * of its names, and a missing one is simply absent.
 */
import { asFields, asList, asNumber, asText, parsePythonJson, type Fields } from './json.ts';

export interface Metrics {
  readonly functionName: string | undefined;
  readonly file: string | undefined;
  readonly line: number | undefined;
  readonly cacheSize: number | undefined;
  readonly guardCount: number | undefined;
  readonly guardLatencyUs: number | undefined;
  readonly opCount: number | undefined;
  readonly nodeCount: number | undefined;
  readonly inputCount: number | undefined;
  /** Seconds since 1970. */
  readonly startS: number | undefined;
  readonly totalMs: number | undefined;
  readonly backendMs: number | undefined;
  readonly inductorMs: number | undefined;
  readonly codeGenerationMs: number | undefined;
  readonly tritonMs: number | undefined;
  readonly cudagraphifyMs: number | undefined;
  readonly autotuneMs: number | undefined;
  readonly gcMs: number | undefined;
  readonly restartMs: number | undefined;
  readonly backwardMs: number | undefined;
  readonly cacheSavedMs: number | undefined;
  readonly failType: string | undefined;
  readonly failReason: string | undefined;
  readonly failFile: string | undefined;
  readonly failLine: number | undefined;
  /** `undefined` where the record has null: the frame never got that far. */
  readonly restartReasons: readonly string[] | undefined;
  readonly recompileReason: string | undefined;
  readonly cudagraphSkipReason: string | undefined;
  readonly hasGuardedCode: boolean | undefined;
  readonly suppressErrors: boolean | undefined;
  readonly recompileLimit: number | undefined;
  readonly python: string | undefined;
  readonly torch: string | undefined;
  readonly triton: string | undefined;
  readonly cuda: string | undefined;
  /** Local and remote cache hits and misses, by cache. */
  readonly caches: Readonly<Record<string, number>>;
  /** Custom ops that broke the rules for being traced. */
  readonly nonCompliantOps: readonly string[];
}

/** A list, or a set written as a comma-separated string. */
function texts(value: unknown): readonly string[] | undefined {
  if (Array.isArray(value)) return asList(value).filter((item) => typeof item === 'string');
  return typeof value === 'string' ? value.split(',').filter((item) => item !== '') : undefined;
}

/** Reasons are sentences with commas: a string is one reason. */
function reasons(value: unknown): readonly string[] | undefined {
  return typeof value === 'string' ? (value === '' ? [] : [value]) : texts(value);
}

function milliseconds(fields: Fields, microseconds: string, seconds?: string): number | undefined {
  const us = asNumber(fields[microseconds]);
  if (us !== undefined) return us / 1000;
  const s = seconds === undefined ? undefined : asNumber(fields[seconds]);
  return s === undefined ? undefined : s * 1000;
}

/** Reads one number out of a config dumped as text, without parsing all of it. */
function configNumber(config: unknown, ...names: string[]): number | undefined {
  if (typeof config !== 'string') {
    const fields = asFields(config);
    return names.map((name) => asNumber(fields?.[name])).find((value) => value !== undefined);
  }
  for (const name of names) {
    const value = new RegExp(`"${name}": (\\d+)`).exec(config)?.[1];
    if (value !== undefined) return Number(value);
  }
  return undefined;
}

const cacheField = /^(inductor_fx|aotautograd)_(local|remote)_cache_(hit|miss)_count$/;

function cacheCounts(fields: Fields): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [name, value] of Object.entries(fields)) {
    const match = cacheField.exec(name);
    const count = asNumber(value);
    if (match === null || count === undefined || count === 0) continue;
    const cache = match[1] === 'inductor_fx' ? 'fx graph' : 'aot autograd';
    counts[`${cache} ${match[2]} ${match[3]}`] = count;
  }
  return counts;
}

/** The facts of a metrics record, of whichever kind and version. */
export function parseMetrics(body: unknown): Metrics {
  const fields = asFields(body) ?? {};
  return {
    functionName: asText(fields['co_name']),
    file: asText(fields['co_filename']),
    line: asNumber(fields['co_firstlineno']),
    cacheSize: asNumber(fields['cache_size']),
    guardCount: asNumber(fields['guard_count']),
    guardLatencyUs: asNumber(fields['guard_latency_us']),
    opCount: asNumber(fields['graph_op_count']),
    nodeCount: asNumber(fields['graph_node_count']),
    inputCount: asNumber(fields['graph_input_count']),
    startS: asNumber(fields['start_time']),
    totalMs: milliseconds(fields, 'duration_us', 'entire_frame_compile_time_s'),
    backendMs: milliseconds(fields, 'aot_autograd_cumulative_compile_time_us', 'backend_compile_time_s'),
    inductorMs: milliseconds(fields, 'inductor_cumulative_compile_time_us', 'inductor_compile_time_s'),
    codeGenerationMs: milliseconds(fields, 'inductor_code_gen_cumulative_compile_time_us', 'code_gen_time_s'),
    tritonMs: milliseconds(fields, 'triton_compile_time_us'),
    cudagraphifyMs: milliseconds(fields, 'runtime_cudagraphify_time_us'),
    autotuneMs: milliseconds(fields, 'runtime_triton_autotune_time_us'),
    gcMs: milliseconds(fields, 'gc_time_us'),
    restartMs: milliseconds(fields, 'dynamo_compile_time_before_restart_us', 'dynamo_time_before_restart_s'),
    backwardMs: milliseconds(fields, 'backward_cumulative_compile_time_us'),
    cacheSavedMs: milliseconds(fields, 'remote_cache_time_saved_us', 'remote_cache_time_saved_s'),
    failType: asText(fields['fail_type'])?.replace(/^<class '(?:.*\.)?(\w+)'>$/, '$1'),
    failReason: asText(fields['fail_reason']),
    failFile: asText(fields['fail_user_frame_filename']),
    failLine: asNumber(fields['fail_user_frame_lineno']),
    restartReasons: reasons(fields['restart_reasons']),
    recompileReason: asText(fields['recompile_reason']),
    cudagraphSkipReason: asText(fields['cudagraph_skip_reason']),
    hasGuardedCode: typeof fields['has_guarded_code'] === 'boolean' ? fields['has_guarded_code'] : undefined,
    suppressErrors:
      typeof fields['config_suppress_errors'] === 'boolean' ? fields['config_suppress_errors'] : undefined,
    recompileLimit: configNumber(fields['dynamo_config'], 'recompile_limit', 'cache_size_limit'),
    python: asText(fields['python_version'])?.split(' ', 1)[0],
    torch: asText(fields['pytorch_version']),
    triton: asText(fields['triton_version']),
    cuda: asText(fields['cuda_version']),
    caches: cacheCounts(fields),
    nonCompliantOps: texts(fields['non_compliant_ops']) ?? [],
  };
}

/** The torch version in a `torch_version` artifact. */
export function parseTorchVersion(payload: string): string | undefined {
  return asText(asFields(parsePythonJson(payload))?.['pytorch_version']);
}

/** One phase of a compilation, exclusive of the phases inside it. */
export interface Phase {
  readonly name: string;
  readonly durationMs: number;
}

/**
 * Where a compilation's time went. The phases add up to the total, plus what a later backward compile took. Torch fills
 * in a time before a restart even where tracing never began again: `hasRestarts` says whether it counts.
 */
export function phasesOf(metrics: Metrics, hasRestarts: boolean): Phase[] {
  const total = metrics.totalMs ?? 0;
  const backend = Math.min(metrics.backendMs ?? 0, total);
  const inductor = Math.min(metrics.inductorMs ?? 0, backend);
  const generation = Math.min(metrics.codeGenerationMs ?? 0, inductor);
  const restart = hasRestarts ? Math.min(metrics.restartMs ?? 0, total - backend) : 0;
  const phases: Phase[] = [
    { name: 'thrown away by restarts', durationMs: restart },
    { name: 'dynamo', durationMs: total - backend - restart },
    { name: 'aot autograd', durationMs: backend - inductor },
    { name: 'inductor', durationMs: inductor - generation },
    { name: 'code generation', durationMs: generation },
    { name: 'backward', durationMs: metrics.backwardMs ?? 0 },
  ];
  return phases.filter((phase) => phase.durationMs > 0);
}
