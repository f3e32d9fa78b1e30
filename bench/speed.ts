/**
 * `npm run bench`: each program in a process of its own, in which fullgraph, tfjs's wasm and cpu backends and the
 * hand-written ONNX model take turns; first calls in fresh processes, with an empty and with a filled disk cache.
 * Markdown goes to stdout, progress to stderr.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bundle, root } from '../scripts/bundle.ts';
import { benchModels } from './models/index.ts';
import type { BenchModel } from './models/define-model.ts';
import type { ContenderName } from './support/contenders.ts';
import { hasFullgraph } from './support/fullgraph.ts';
import type { FirstCallResult, SpeedJob, SteadyResult, Tracing } from './support/speed-job.ts';
import { formatSpeedReport, judgeBars, type SpeedRow } from './support/speed-report.ts';

const child = fileURLToPath(new URL('./speed-child.ts', import.meta.url));
const distUrl = new URL('../dist/', import.meta.url);

const usage = `Usage: npm run bench -- [options]
  --quick               fewer rounds, no cpu where it takes seconds, first calls once
  --models REGEXP       only programs whose name matches
  --threads LIST        threads of the native runtime, e.g. 1 or 1,2 (default: 1,2)
  --contenders LIST     of fullgraph,wasm,cpu,onnx (default: all)
  --no-first-call       skip the fresh processes
  --json FILE           also write the numbers as JSON
  --check               exit 1 when a bar is missed`;

interface Scratch {
  readonly folder: string;
}

/** How a measuring process is started: by default from its source. */
interface Start {
  readonly script: string;
  /** Module that is loaded before it. */
  readonly preload: string;
  readonly environment?: Readonly<Record<string, string>>;
}

const fromSource: Start = { script: child, preload: 'tsx' };

function runJob<T>(job: SpeedJob, { script, preload, environment }: Start = fromSource): Promise<T> {
  return new Promise((resolve, reject) => {
    const words = ['--no-warnings', '--expose-gc', '--max-old-space-size=6000', '--import', preload];
    const started = spawn(process.execPath, [...words, script, JSON.stringify(job)], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...environment },
    });
    let stderr = '';
    started.stderr.on('data', (data: Buffer) => (stderr = (stderr + data.toString()).slice(-4000)));
    started.on('close', (code, signal) => {
      if (code === 0) resolve(JSON.parse(readFileSync(job.resultFile, 'utf8')) as T);
      else reject(new Error(`${job.model} (${job.mode}) ended with ${signal ?? code}:\n${stderr}`));
    });
  });
}

/** As users start programs: plain JavaScript, hosted by the built package; what it recorded says how long that took. */
async function hosted(cacheDirectory: string, threads: number, { folder }: Scratch): Promise<Start> {
  const outdir = path.join(root, 'node_modules/.cache/fullgraph/bench');
  await bundle({ 'speed-child': path.relative(root, child) }, outdir, { outExtension: { '.js': '.mjs' } });
  const traceFile = path.join(folder, 'first-call.jsonl');
  return {
    script: path.join(outdir, 'speed-child.mjs'),
    preload: new URL('register.js', distUrl).href,
    environment: {
      FULLGRAPH_SESSION: fileURLToPath(new URL('index.js', distUrl)),
      FULLGRAPH_OPTIONS: JSON.stringify({
        cacheDirectory,
        threads,
        traceFile,
        explain: false,
        measureSavings: false,
      }),
    },
  };
}

/** The faster of a few fresh processes with an empty cache, and of as many with the cache that the first one filled. */
async function measureFirstCalls(
  model: string,
  threads: number,
  repetitions: number,
  scratch: Scratch,
): Promise<{ cold: FirstCallResult; warm: FirstCallResult }> {
  const resultFile = path.join(scratch.folder, 'first-call.json');
  const cold: FirstCallResult[] = [];
  const warm: FirstCallResult[] = [];
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const cacheDir = mkdtempSync(path.join(scratch.folder, 'cache-'));
    const job: SpeedJob = { mode: 'first-call', model, threads, cacheDir, resultFile };
    const start = await hosted(cacheDir, threads, scratch);
    cold.push(await runJob(job, start));
    warm.push(await runJob(job, start));
    rmSync(cacheDir, { recursive: true });
  }
  const fastest = (results: FirstCallResult[]): FirstCallResult =>
    results.reduce((best, result) => (result.preparingMs < best.preparingMs ? result : best));
  return { cold: fastest(cold), warm: fastest(warm) };
}

interface Options {
  readonly isQuick: boolean;
  readonly contenders: readonly ContenderName[];
  readonly withFirstCalls: boolean;
}

/** Programs that take seconds on the cpu backend. */
const slowOnCpu = /ResNet|BERT|Mobile|conv|LSTM$|transformer/;

async function measureModel(
  model: BenchModel,
  threads: number,
  options: Options,
  scratch: Scratch,
): Promise<SpeedRow> {
  const skipsCpu = options.isQuick && slowOnCpu.test(model.name) && canUseWasm(model);
  const measureSteady = (isContending: (name: ContenderName) => boolean): Promise<SteadyResult> =>
    runJob<SteadyResult>({
      mode: 'steady',
      model: model.name,
      contenders: options.contenders.filter((name) => isContending(name) && (name !== 'cpu' || !skipsCpu)),
      threads,
      rounds: options.isQuick ? 7 : 25,
      slowRounds: options.isQuick ? 1 : 3,
      resultFile: path.join(scratch.folder, 'steady.json'),
    });
  try {
    const steady = await measureSteady(() => true);
    if (!options.contenders.includes('fullgraph')) return { kind: model.kind, steady };
    const tracing = await runJob<Tracing>({
      mode: 'tracing',
      model: model.name,
      threads,
      durationMs: options.isQuick ? 500 : 3000,
      resultFile: path.join(scratch.folder, 'tracing.json'),
    });
    const firstCalls = options.withFirstCalls
      ? await measureFirstCalls(model.name, threads, options.isQuick ? 1 : 6, scratch)
      : {};
    return { kind: model.kind, steady, tracing, ...firstCalls };
  } catch (error) {
    // The others are still worth a row.
    const steady = await measureSteady((name) => name !== 'fullgraph');
    return { kind: model.kind, steady, failure: failureOf(error) };
  }
}

/** The line of a dead process's output that says why. */
function failureOf(error: unknown): string {
  const lines = String(error).split('\n');
  return (lines.find((line, index) => index > 0 && /^\w*Error\b/.test(line)) ?? lines[0] ?? '')
    .trim()
    .slice(0, 300);
}

const canUseWasm = (model: BenchModel): boolean => model.kind === 'inference' || model.runsOnWasm;

function isContender(name: string): name is ContenderName {
  return name === 'fullgraph' || name === 'wasm' || name === 'cpu' || name === 'onnx';
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    allowNegative: true,
    options: {
      quick: { type: 'boolean', default: false },
      models: { type: 'string', default: '' },
      threads: { type: 'string', default: '1,2' },
      contenders: { type: 'string', default: 'fullgraph,wasm,cpu,onnx' },
      'first-call': { type: 'boolean', default: true },
      json: { type: 'string' },
      check: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const names = values.contenders.split(',').filter((name) => name !== 'fullgraph' || hasFullgraph());
  if (values.help || !names.every(isContender)) {
    console.log(usage);
    return values.help ? 0 : 2;
  }
  const options: Options = {
    isQuick: values.quick,
    contenders: names.filter(isContender),
    withFirstCalls: values['first-call'],
  };
  const models = benchModels.filter((model) => new RegExp(values.models, 'i').test(model.name));
  const scratch: Scratch = { folder: mkdtempSync(path.join(tmpdir(), 'fullgraph-bench-')) };
  const all: Record<string, SpeedRow[]> = {};
  let areMet = true;
  console.log(`Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? 'unknown CPU'}\n`);
  try {
    for (const threads of values.threads.split(',').map(Number)) {
      const rows: SpeedRow[] = [];
      for (const model of models) {
        process.stderr.write(`${model.name}, threads ${threads}...\n`);
        rows.push(await measureModel(model, threads, options, scratch));
      }
      all[threads] = rows;
      areMet &&= judgeBars(rows).every((bar) => bar.isMet);
      console.log(`${formatSpeedReport(rows, threads)}\n`);
    }
  } finally {
    rmSync(scratch.folder, { recursive: true, force: true });
  }
  if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(all, null, 1));
  return values.check && !areMet ? 1 : 0;
}

process.exitCode = await main();
