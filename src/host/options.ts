/**
 * How the CLI tells the hosted process what to do: one JSON object in the environment variable FULLGRAPH_OPTIONS.
 * All fields are optional; a program started with plain `node --import fullgraph/register` has none.
 */
import { homedir } from 'node:os';
import { join, parse } from 'node:path';
import { isMainThread, threadId } from 'node:worker_threads';
import { UserError } from '../ir/errors.ts';

/** Exit code of a process whose options cannot be had, and of the CLI for bad input. */
export const usageExitCode = 2;

/** A captured graph to be written as .onnx when the program ends. */
export interface ExportRequest {
  /** Id of the graph, such as `g3`; default: the one with the most work. */
  readonly graph?: string;
  /** Names of the tensors that are inputs; default: what is no variable and changes. */
  readonly inputs?: readonly string[];
  readonly file: string;
  /** Where to leave an account of it as JSON. */
  readonly report: string;
}

export interface HostOptions {
  /** Where to write the trace; `%p` stands for the process. None is written when absent. */
  readonly traceFile?: string;
  /** Name of a registered backend; default `onnxruntime`. */
  readonly backend?: string;
  readonly device?: string;
  readonly threads?: number;
  /** Leave `tf.setBackend('wasm')` and its like to the real backends. */
  readonly respectBackend?: boolean;
  /** Take stacks and read sources, so that breaks have lines and names. Default: when a trace is written. */
  readonly explain?: boolean;
  /** Find variable names, loops and branches in the sources. Default true. */
  readonly instrument?: boolean;
  /** Files and folders whose frames are folded like those of node_modules. */
  readonly libraries?: readonly string[];
  /** Measure what each break costs by running the graphs on both sides as one. Default: with explain. */
  readonly measureSavings?: boolean;
  /** Ask the backend for per-node times. */
  readonly profile?: boolean;
  /** Any break is an error that explains itself. */
  readonly strict?: boolean;
  readonly maxNodes?: number;
  readonly recompileLimit?: number;
  /** Freeze unchanging weights into constants. Default true. */
  readonly freeze?: boolean;
  /** Run small graphs as JavaScript until compiling them pays. Default true where no trace is written. */
  readonly tiers?: boolean;
  /** Folder of the disk cache; `false` switches it off. */
  readonly cacheDirectory?: string | false;
  readonly exportModel?: ExportRequest;
  /** Do not install anything: the program runs as it is. */
  readonly disable?: boolean;
}

/** Where optimized models are kept between runs, by the XDG convention. */
export function defaultCacheDirectory(environment: Readonly<Record<string, string | undefined>>): string {
  const base = environment['XDG_CACHE_HOME'];
  return join(base === undefined || base === '' ? join(homedir(), '.cache') : base, 'fullgraph');
}

/** Folder of the disk cache; absent when it is switched off. */
export function cacheDirectoryOf(
  { cacheDirectory }: HostOptions,
  environment: Readonly<Record<string, string | undefined>>,
): string | undefined {
  return cacheDirectory === false ? undefined : (cacheDirectory ?? defaultCacheDirectory(environment));
}

/**
 * Processes and threads that the program starts inherit the options, and would write over its trace.
 * @returns the file that this process writes, and the name to leave to those.
 */
export function traceFilesOf(traceFile: string): { readonly own: string; readonly inherited: string } {
  const id = isMainThread ? `${process.pid}` : `${process.pid}-${threadId}`;
  const { dir, name, ext } = parse(traceFile);
  return {
    own: traceFile.replaceAll('%p', id),
    inherited: traceFile.includes('%p') ? traceFile : join(dir, `${name}.%p${ext}`),
  };
}

export const optionsVariable = 'FULLGRAPH_OPTIONS';

/** @throws FG5002 when the variable holds something else than a JSON object. */
export function readHostOptions(environment: Readonly<Record<string, string | undefined>>): HostOptions {
  const text = environment[optionsVariable];
  if (text === undefined || text === '') return {};
  try {
    const value: unknown = JSON.parse(text);
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value;
  } catch {
    // Falls through to the one message.
  }
  throw new UserError(
    `${optionsVariable} must hold a JSON object, got ${JSON.stringify(text.slice(0, 80))}`,
    {
      code: 'FG5002',
      hint: 'Use `fullgraph run <script>`, which sets it, or unset the variable.',
    },
  );
}
