/**
 * One child process that answers requests, with limits on time and memory. Whatever it does (segmentation fault, abort,
 * exit, endless loop, memory bomb), the answer is a value that says so, together with what the child last wrote to its black
 * box. A dead child is replaced at the next request.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { readBlackBox } from '../program/black-box.ts';

export interface WorkerOptions {
  /** Module that the child runs; it gets the path of its black box as argument. */
  readonly entry: URL;
  readonly cwd: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly memoryLimitMb: number;
  /** How messages travel; `advanced` keeps typed arrays. Default `json`. */
  readonly serialization?: 'json' | 'advanced';
  /** File that receives what the child prints; default: nowhere. */
  readonly logFile?: string;
}

export type WorkerOutcome<Report> =
  | { readonly kind: 'report'; readonly report: Report }
  | {
      readonly kind: 'died';
      readonly cause: 'signal' | 'exit' | 'time' | 'memory' | 'killed';
      /** Signal name or exit code. */
      readonly status: string;
      readonly note: string;
      readonly dump: string;
    };

const pollMs = 250;
const pageBytes = 4_096;
const startLimitMs = 30_000;

let scratch: string | undefined;

/** A folder for files that live as long as this process, in memory where the system offers that. */
export function scratchFolder(): string {
  if (scratch === undefined) {
    const base =
      statSync('/dev/shm', { throwIfNoEntry: false })?.isDirectory() === true ? '/dev/shm' : tmpdir();
    const folder = mkdtempSync(join(base, 'fullgraph-minify-'));
    process.on('exit', () => {
      rmSync(folder, { recursive: true, force: true });
    });
    scratch = folder;
  }
  return scratch;
}

const bundles = new Map<string, string>();

/** A file that plain Node can run: the built module itself, or a bundle of it when we run from TypeScript. */
function runnable(entry: URL, folder: () => string = scratchFolder): string {
  const path = fileURLToPath(entry);
  if (!path.endsWith('.ts')) return path;
  const known = bundles.get(path);
  if (known !== undefined) return known;
  const outfile = join(folder(), `worker-${bundles.size}.mjs`);
  buildSync({
    entryPoints: [path],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    absWorkingDir: dirname(path),
  });
  bundles.set(path, outfile);
  return outfile;
}

/** The same for a module that needs our packages: its bundle lies where it finds them. */
export function runnableInPlace(entry: URL): string {
  return runnable(entry, () => {
    const cache = join(dirname(createRequire(entry).resolve('acorn')), '../../.cache');
    mkdirSync(cache, { recursive: true });
    const folder = mkdtempSync(join(cache, 'fullgraph-'));
    process.on('exit', () => {
      rmSync(folder, { recursive: true, force: true });
    });
    return folder;
  });
}

let workerCount = 0;

export class WorkerProcess<Request extends object, Report extends object> {
  readonly #options: WorkerOptions;
  readonly #blackBox: string;
  #child: ChildProcess | undefined;
  #isKilled = false;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#blackBox = join(scratchFolder(), `black-box-${workerCount++}`);
  }

  /**
   * Answers one request; the next must wait for the answer. The time limit counts from the child's message
   * `{ kind: 'started' }`, if it sends one: starting Node and loading packages has a limit of its own.
   */
  async run(request: Request, timeLimitMs: number): Promise<WorkerOutcome<Report>> {
    const child = await this.#ready();
    this.#isKilled = false;
    return new Promise((resolve) => {
      let cause: 'signal' | 'exit' | 'time' | 'memory' = 'signal';
      const expire = (): void => {
        cause = 'time';
        child.kill('SIGKILL');
      };
      let timer = setTimeout(expire, timeLimitMs + startLimitMs);
      const poll = setInterval(() => {
        if (residentMb(child.pid) <= this.#options.memoryLimitMb) return;
        cause = 'memory';
        child.kill('SIGKILL');
      }, pollMs);
      const settle = (outcome: WorkerOutcome<Report>): void => {
        clearTimeout(timer);
        clearInterval(poll);
        child.removeAllListeners();
        resolve(outcome);
      };
      child.on('message', (message: { readonly kind?: string }) => {
        if (message.kind === 'started') {
          clearTimeout(timer);
          timer = setTimeout(expire, timeLimitMs);
        } else settle({ kind: 'report', report: message as Report });
      });
      child.once('error', () => {});
      child.once('exit', (code, signal) => {
        this.#child = undefined;
        if (cause === 'signal' && signal === null) cause = 'exit';
        settle({
          kind: 'died',
          cause: this.#isKilled ? 'killed' : cause,
          status: signal ?? String(code),
          ...readBlackBox(this.#blackBox),
        });
      });
      child.send(request);
    });
  }

  /** Ends the child; a running request is answered with cause `killed`. */
  kill(): void {
    this.#isKilled = true;
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }

  async #ready(): Promise<ChildProcess> {
    if (this.#child?.connected === true) return this.#child;
    const { entry, cwd, environment, memoryLimitMb, serialization, logFile } = this.#options;
    const log = logFile === undefined ? undefined : openSync(logFile, 'a');
    const child = fork(runnable(entry), [this.#blackBox], {
      cwd,
      env: { ...process.env, ...environment },
      execArgv: [
        '--experimental-vm-modules',
        '--experimental-import-meta-resolve',
        '--no-warnings',
        '--stack-trace-limit=60',
        `--max-old-space-size=${memoryLimitMb}`,
      ],
      stdio: ['ignore', log ?? 'ignore', log ?? 'ignore', 'ipc'],
      serialization: serialization ?? 'json',
    });
    if (log !== undefined) closeSync(log);
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    this.#child = child;
    return child;
  }
}

/** Resident memory of a process; 0 where the system does not tell. */
export function residentMb(pid: number | undefined): number {
  try {
    const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
    return (pages * pageBytes) / 2 ** 20;
  } catch {
    return 0;
  }
}
