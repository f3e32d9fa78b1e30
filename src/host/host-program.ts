/**
 * Hosts one program: opens the trace, installs a session into the program's tfjs when it appears, and closes the books
 * when the program ends, however it ends.
 */
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import { noTotals, recordSchemaVersion, type HeaderRecord, type TraceRecord } from '../ir/record.ts';
import { UserError } from '../ir/errors.ts';
import { install, type Session, type TfjsCore } from '../session.ts';
import { monotonicMs } from '../clock.ts';
import { codeFolder, packageVersion } from '../own-files.ts';
import { eagerBackendName } from '../capture/install-backend.ts';
import { createEagerBackend, createRunKernel } from '../compile/backends/eager.ts';
import { opTable } from '../compile/ops/index.ts';
import { bundledTfjs, findAbsentTfjs, noTfjs, standInWithoutTfjs, type AbsentTfjs } from './absent-tfjs.ts';
import { startEsmHooks } from './esm-hooks.ts';
import { createExportCollector, type Interpret } from './export-run.ts';
import { createFrameResolver } from './frames.ts';
import {
  cacheDirectoryOf,
  optionsVariable,
  traceFilesOf,
  usageExitCode,
  type HostOptions,
} from './options.ts';
import { keepCompiledTexts } from './source-maps.ts';
import { openTraceWriter, type TraceWriter } from './trace-writer.ts';
import { isTfjsNode } from './tfjs-node/names.ts';
import { tfjsNodeStandIn, type Tfjs } from './tfjs-node/stand-in.ts';
import { watchTfjs } from './watch-tfjs.ts';

/** Version of a package, as found from a file; absent when it cannot be told. */
function versionOf(packageJson: string, from: string): Readonly<Record<string, string>> {
  try {
    const { name, version } = createRequire(from)(packageJson) as { name: string; version: string };
    return { [name === 'onnxruntime-node' ? 'onnxruntime' : name]: version };
  } catch {
    return {};
  }
}

function headerOf(options: HostOptions): HeaderRecord {
  return {
    kind: 'header',
    schemaVersion: recordSchemaVersion,
    source: 'fullgraph',
    program: process.argv[1] ?? '',
    arguments: process.argv.slice(2),
    cwd: process.cwd(),
    startedAt: new Date().toISOString(),
    environment: {
      ...(packageVersion !== undefined && { fullgraph: packageVersion }),
      ...versionOf('onnxruntime-node/package.json', import.meta.url),
      node: process.versions.node,
      platform: `${process.platform}-${process.arch}`,
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      backend: options.backend ?? 'onnxruntime',
      device: options.device ?? 'cpu',
      ...(options.threads === undefined ? {} : { threads: options.threads }),
    },
  };
}

/** The oldest tfjs whose backends have the interface of today's. */
const oldestTfjs = [3, 9] as const;

function isTooOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < oldestTfjs[0] || (major === oldestTfjs[0] && minor < oldestTfjs[1]);
}

/** @throws FG5027 when capture would not work with it. */
function checkTfjs(version: unknown): void {
  if (typeof version !== 'string' || !isTooOld(version)) return;
  throw new UserError(`the program's TensorFlow.js ${version} is too old`, {
    code: 'FG5027',
    hint: `Update it: fullgraph needs ${oldestTfjs.join('.')} or later.`,
  });
}

function warn(text: string): void {
  process.stderr.write(`fullgraph: ${text}\n`);
}

/** Lets a signal end the program as it would without us, but not before the trace is whole. */
function finishOnSignals(finish: () => void, flush: () => void): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    const handler = (): void => {
      // The program handles the signal itself: it goes on living.
      if (process.listenerCount(signal) > 1) return flush();
      finish();
      process.removeListener(signal, handler);
      process.kill(process.pid, signal);
    };
    process.on(signal, handler);
  }
}

/** The program's own tfjs, or ours when it has none. */
function requireTfjs(parentFile: string | undefined): Tfjs {
  if (parentFile !== undefined) {
    try {
      return createRequire(parentFile)('@tensorflow/tfjs') as Tfjs;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw cause;
    }
  }
  try {
    return createRequire(import.meta.url)('@tensorflow/tfjs') as Tfjs;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw cause;
    throw new UserError(standInWithoutTfjs, { code: noTfjs.code, hint: noTfjs.hint });
  }
}

/**
 * Prepares the process before the program's first module is loaded.
 * @throws FG5003 when the trace file cannot be written.
 */
export function hostProgram(options: HostOptions): void {
  const startedAt = monotonicMs();
  const now = (): number => monotonicMs() - startedAt;
  const isTraced = options.traceFile !== undefined;
  const explain = options.explain ?? (isTraced || options.strict === true);
  let trace: TraceWriter | undefined;
  let openTrace = (): void => {};
  if (options.traceFile !== undefined) {
    const { own, inherited } = traceFilesOf(options.traceFile);
    process.env[optionsVariable] = JSON.stringify({ ...options, traceFile: inherited });
    openTrace = () => {
      trace ??= openTraceWriter(own, now, warn);
    };
    // A thread may be anything, such as a compiler's: it has a trace once it has tfjs.
    if (isMainThread) openTrace();
  }
  // The header comes first and names the program's tfjs, which is known once it is loaded.
  const header = headerOf(options);
  let early: TraceRecord[] | undefined = [];
  const onRecord = (record: TraceRecord): void => {
    if (early === undefined) trace?.write(record);
    else early.push(record);
  };
  const writeHeader = (tfjs?: unknown): void => {
    if (early === undefined) return;
    const held = early;
    early = undefined;
    const environment = { ...header.environment, ...(typeof tfjs === 'string' ? { tfjs } : {}) };
    for (const record of [{ ...header, environment }, ...held]) onRecord(record);
  };
  const frames = createFrameResolver({
    ownRoot: codeFolder,
    instrument: options.instrument ?? true,
    libraries: options.libraries ?? [],
    compiled: explain ? keepCompiledTexts() : new Map(),
    onSource: onRecord,
  });

  startEsmHooks(process.argv[1]);
  let session: Session | undefined;
  let refusal: AbsentTfjs | undefined;
  let interpret: Interpret | undefined;
  const collector =
    options.exportModel === undefined ? undefined : createExportCollector(options.exportModel);
  watchTfjs({
    standIn(request, parentFile) {
      if (!isTfjsNode(request)) return undefined;
      const tfjs = requireTfjs(parentFile);
      // tfjs-node makes its backend the default one.
      void tfjs.setBackend('tensorflow');
      return tfjsNodeStandIn(tfjs);
    },
    onLoad(cores, models) {
      const core = cores.at(-1);
      if (core === undefined) return;
      openTrace();
      const version = (core as { readonly version_core?: unknown }).version_core;
      writeHeader(version);
      try {
        checkTfjs(version);
        session = install(core as unknown as TfjsCore, {
          ...options,
          cacheDirectory: cacheDirectoryOf(options, process.env) ?? false,
          explain,
          measureSavings: options.measureSavings ?? isTraced,
          frames,
          now,
          // Records that nobody writes are not made: they cost more than recording a call.
          ...(isTraced ? { onRecord } : {}),
          ...(collector === undefined ? {} : { onRun: (run) => collector.onRun(run) }),
        });
        const host = core as unknown as TfjsCore;
        interpret = (graph, leaves) =>
          createEagerBackend(createRunKernel(host, eagerBackendName), opTable).compile(graph, leaves)
            .executable;
      } catch (error) {
        // Options that cannot be had are our user's mistake, not an exception of the program.
        if (!(error instanceof UserError)) throw error;
        refusal = { code: error.code, text: error.message, hint: error.hint ?? '' };
        process.stderr.write(`error ${refusal.code}: ${refusal.text}\n  fix: ${refusal.hint}\n`);
        process.exit(usageExitCode);
      }
      for (const exports of models) session.adopt(exports);
    },
  });

  let isFinished = false;
  const finish = (exitCode: number): void => {
    if (isFinished) return;
    isFinished = true;
    writeHeader();
    if (session === undefined) {
      const { code, text, hint } = refusal ?? findAbsentTfjs();
      // Whoever asked for speed must learn that there was none.
      if (code === bundledTfjs.code && !isTraced) warn(`${text}. ${hint}`);
      onRecord({ kind: 'note', severity: refusal === undefined ? 'warning' : 'error', code, text });
      onRecord({ kind: 'end', timeMs: now(), exitCode, totals: { ...noTotals, wallMs: now() } });
    }
    session?.finish(exitCode);
    collector?.finish(interpret);
    trace?.close();
  };
  process.on('exit', finish);
  // Signals are the main thread's.
  if (trace !== undefined && isMainThread)
    finishOnSignals(
      () => finish(130),
      () => {
        writeHeader();
        trace?.flush();
      },
    );
}
