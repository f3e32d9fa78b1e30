/**
 * `npm run conformance`: tfjs-core's own op suite on one backend, in child processes. Prints how many specs pass, each
 * failure that `test/conformance/known-failures.json` does not list, and how many kernel calls ran in compiled graphs.
 * A spec that kills or hangs its process is a failed spec; the run goes on behind it.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { hasFullgraph } from '../bench/support/fullgraph.ts';
import { bundleSpecs, wasmFolder } from './conformance-bundle.ts';
import type {
  ConformanceBackend,
  ConformanceJob,
  ConformanceStats,
  SpecEvent,
  SpecResult,
} from './conformance-events.ts';
import {
  addStats,
  formatReport,
  judge,
  type KnownFailures,
  type ShardOutcome,
} from './conformance-report.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const child = fileURLToPath(new URL('./conformance-child.ts', import.meta.url));
const knownFailuresFile = path.join(root, 'test/conformance/known-failures.json');
/** A child that reports nothing for this long hangs. */
const hangMs = 180_000;

const usage = `Usage: npm run conformance -- [options]
  --backend cpu|wasm|fullgraph   backend under test (default: fullgraph)
  --tiers                        graphs may run as closures first, as those of programs do
  --grep REGEXP                  only specs whose full name matches
  --shard I/N                    only every Nth spec, starting at I (1-based)
  --jobs N                       processes to spread the specs over (default: 1)
  --list-failures                print each failure with its message, also the known ones
  --verbose                      pass the children's output through`;

type Job = Omit<ConformanceJob, 'firstSpec' | 'eventFile'>;

/** Last index seen and how the process ended, after appending its events to `events`. */
function runChild(job: ConformanceJob, verbose: boolean): Promise<{ reason: string; stderr: string }> {
  return new Promise((resolve) => {
    const stdio = verbose ? 'inherit' : 'ignore';
    const started = spawn(
      process.execPath,
      ['--no-warnings', '--max-old-space-size=6000', '--import', 'tsx', child, JSON.stringify(job)],
      { cwd: root, stdio: ['ignore', stdio, 'pipe'], env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3' } },
    );
    let stderr = '';
    started.stderr?.on('data', (data: Buffer) => {
      stderr = (stderr + data.toString()).slice(-4000);
      if (verbose) process.stderr.write(data);
    });
    let size = -1;
    let isHung = false;
    const watchdog = setInterval(() => {
      const now = existsSync(job.eventFile) ? statSync(job.eventFile).size : 0;
      if (now === size) {
        isHung = true;
        started.kill('SIGKILL');
      }
      size = now;
    }, hangMs);
    started.on('close', (code, signal) => {
      clearInterval(watchdog);
      const reason = isHung ? `hangs (no event for ${hangMs / 1000} s)` : `exit ${signal ?? code}`;
      resolve({ reason, stderr });
    });
  });
}

function readEvents(file: string): SpecEvent[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as SpecEvent);
}

/** Runs one shard; restarts behind each spec that takes its process down. */
async function runShard(job: Job, verbose: boolean): Promise<ShardOutcome> {
  const folder = mkdtempSync(path.join(tmpdir(), 'fullgraph-conformance-'));
  const results: SpecResult[] = [];
  const suiteFailures: string[] = [];
  let stats: ConformanceStats | undefined;
  try {
    for (let firstSpec = 0, attempt = 0; ; attempt++) {
      const eventFile = path.join(folder, `${attempt}.jsonl`);
      const { reason, stderr } = await runChild({ ...job, firstSpec, eventFile }, verbose);
      let running: { index: number; name: string } | undefined;
      let end: Extract<SpecEvent, { kind: 'end' }> | undefined;
      for (const event of readEvents(eventFile)) {
        if (event.kind === 'start') running = event;
        else if (event.kind === 'suite-failure') suiteFailures.push(`${event.name}: ${event.message}`);
        else if (event.kind === 'end') end = event;
        else {
          results.push(event);
          running = undefined;
        }
      }
      if (end !== undefined) {
        stats = addStats(stats, end.stats);
        return { results, suiteFailures, stats, specs: end.specs, cpuKernels: end.cpuKernels };
      }
      if (running === undefined)
        throw new Error(`The conformance process ended outside of a spec (${reason}).\n${stderr}`);
      const messages = [`The process died: ${reason}. ${stderr.trim().split('\n').at(-1) ?? ''}`];
      results.push({ index: running.index, name: running.name, status: 'failed', messages });
      firstSpec = running.index + 1;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runSuite(
  backend: ConformanceBackend,
  options: {
    tiers: boolean;
    grep?: string | undefined;
    shard: number;
    shards: number;
    jobs: number;
    verbose: boolean;
  },
): Promise<ShardOutcome> {
  const bundle = await bundleSpecs(root);
  const shards = Array.from({ length: options.jobs }, (_, job): Job => {
    return {
      backend,
      tiers: options.tiers,
      bundle,
      wasmFolder: wasmFolder(root),
      shard: options.shard + job * options.shards,
      shards: options.shards * options.jobs,
      ...(options.grep !== undefined && { grep: options.grep }),
    };
  });
  const outcomes = await Promise.all(shards.map((job) => runShard(job, options.verbose)));
  return {
    results: outcomes.flatMap((outcome) => outcome.results).sort((a, b) => a.index - b.index),
    suiteFailures: outcomes.flatMap((outcome) => outcome.suiteFailures),
    stats: outcomes.map((outcome) => outcome.stats).reduce(addStats, undefined),
    specs: outcomes[0]?.specs ?? 0,
    cpuKernels: outcomes[0]?.cpuKernels ?? [],
  };
}

function parseShard(text: string): { shard: number; shards: number } {
  const match = /^(\d+)\/(\d+)$/.exec(text);
  const shard = Number(match?.[1]) - 1;
  const shards = Number(match?.[2]);
  if (!(shard >= 0 && shard < shards)) throw new Error(`--shard: expected I/N with 1 <= I <= N, got ${text}`);
  return { shard, shards };
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      backend: { type: 'string', default: 'fullgraph' },
      tiers: { type: 'boolean', default: false },
      grep: { type: 'string' },
      shard: { type: 'string', default: '1/1' },
      jobs: { type: 'string', default: '1' },
      'list-failures': { type: 'boolean', default: false },
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const backend = values.backend;
  if (values.help || (backend !== 'cpu' && backend !== 'wasm' && backend !== 'fullgraph')) {
    console.log(usage);
    return values.help ? 0 : 2;
  }
  if (backend === 'fullgraph' && !hasFullgraph()) {
    console.error('This checkout has no src/session.ts, so there is no fullgraph backend to test.');
    return 2;
  }
  const jobs = Number(values.jobs);
  const { tiers, grep, verbose } = values;
  const options = { ...parseShard(values.shard), tiers, grep, jobs, verbose };
  const started = performance.now();
  const outcome = await runSuite(backend, options);
  const durationMs = performance.now() - started;
  // The bar is "every spec that cpu passes", so cpu is run too: it takes seconds.
  const reference = backend === 'fullgraph' ? await runSuite('cpu', { ...options, jobs: 1 }) : undefined;
  const known = JSON.parse(readFileSync(knownFailuresFile, 'utf8')) as KnownFailures;
  const isWhole = values.grep === undefined && options.shards === 1;
  const verdict = judge(outcome, reference, backend === 'fullgraph' ? known : [], isWhole);
  console.log(formatReport(backend, outcome, verdict, durationMs, values['list-failures']));
  return backend === 'fullgraph' && !verdict.isAccepted ? 1 : 0;
}

process.exitCode = await main();
