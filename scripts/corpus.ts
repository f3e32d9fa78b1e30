/**
 * `npm run corpus`: runs unmodified third-party tfjs programs under one backend, each in its own process, through the
 * corpus's own runner, and compares all that they read with tfjs's cpu backend. The programs are not part of this
 * repository; `CORPUS_DIR` says where they were laid out.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { hasFullgraph } from '../bench/support/fullgraph.ts';
import { bundle, root } from './bundle.ts';
import { factsFile } from './corpus-backend.ts';
import { hostedEnvironment, writeReports } from './corpus-explain.ts';
import {
  formatCorpusReport,
  type Baselines,
  type CaseResult,
  type CorpusBackend,
  type CorpusJob,
  type ProcessFacts,
  type RunnerResult,
} from './corpus-report.ts';

const usage = `Usage: CORPUS_DIR=... npm run corpus -- [options]
  --backend fullgraph|cpu|wasm  what the programs run on (default: fullgraph)
  --case NAME                   only this program (repeatable)
  --match TEXT                  only programs whose name contains TEXT
  --runner DIR                  folder of run.mjs and refs/ (default: $CORPUS_RUNNER, or corpus-runner beside CORPUS_DIR)
  --threads N                   threads of the native runtime (default: 2)
  --cache DIR                   keep compiled graphs on disk between runs
  --jobs N                      programs at a time (default: 1; more distort the times)
  --timeout SECONDS             per program (default: 300)
  --reports DIR                 run them as \`fullgraph explain\` does, and write a report for each
  --record                      store times and memory as this backend's baseline in CORPUS_DIR/baselines.json
  --json FILE                   write the results as JSON`;

const layout = (
  corpus: string,
): string => `The corpus of real programs is not laid out${corpus === '' ? ' (CORPUS_DIR is not set)' : ` in ${corpus}`}.
It consists of third-party programs at pinned commits and is not part of this repository. To lay it out:
  1. copy the folder shared/corpus to a writable place, e.g. ~/corpus-runner
  2. get git clones of the repositories in its repos.json as MIRROR/<owner>+<name>/repo
  3. ~/corpus-runner/setup.sh ~/corpus MIRROR
  4. CORPUS_DIR=~/corpus node ~/corpus-runner/run.mjs --backend cpu --update-ref --timeout 600
  5. CORPUS_DIR=~/corpus npm run corpus -- --backend cpu --record     (the same with wasm, for the comparison)
then run: CORPUS_DIR=~/corpus npm run corpus`;

interface Options {
  readonly backend: CorpusBackend;
  readonly corpus: string;
  readonly runner: string;
  readonly threads: number;
  readonly cacheDir: string | undefined;
  readonly reports: string | undefined;
  readonly runnerArguments: readonly string[];
}

/** The backend module and, for fullgraph, this checkout's session as plain JavaScript: the programs run without loaders. */
async function bundleBackend(): Promise<{ outdir: string; module: string; session: string }> {
  // Inside node_modules, so that the packages left out are found; by process, so that two runs do not meet.
  const outdir = path.join(root, 'node_modules', '.cache', 'fullgraph', `corpus-${process.pid}`);
  const entryPoints: Record<string, string> = { backend: 'scripts/corpus-backend.ts' };
  if (hasFullgraph()) entryPoints['session'] = 'src/session.ts';
  await bundle(entryPoints, outdir, { outExtension: { '.js': '.mjs' } });
  return { outdir, module: path.join(outdir, 'backend.mjs'), session: path.join(outdir, 'session.mjs') };
}

function readFacts(folder: string, name: string): ProcessFacts | undefined {
  const file = factsFile(folder, name);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as ProcessFacts) : undefined;
}

async function runCorpus(options: Options): Promise<CaseResult[]> {
  const { outdir, module, session } = await bundleBackend();
  const factsDir = mkdtempSync(path.join(tmpdir(), 'fullgraph-corpus-'));
  const job: CorpusJob = {
    backend: options.backend,
    threads: options.threads,
    factsDir,
    isHosted: options.reports !== undefined,
    ...(options.cacheDir !== undefined && { cacheDir: options.cacheDir }),
  };
  const results: CaseResult[] = [];
  try {
    const runner = spawn(
      process.execPath,
      [path.join(options.runner, 'run.mjs'), '--backend', module, ...options.runnerArguments],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: {
          ...process.env,
          CORPUS_DIR: options.corpus,
          FULLGRAPH_CORPUS_JOB: JSON.stringify(job),
          FULLGRAPH_SESSION: session,
          ...(options.reports !== undefined &&
            hostedEnvironment(options.reports, options.runner, options.cacheDir)),
        },
      },
    );
    const ended = new Promise<void>((resolve) => runner.on('close', () => resolve()));
    for await (const line of createInterface({ input: runner.stdout })) {
      const result = JSON.parse(line) as RunnerResult;
      const facts = readFacts(factsDir, result.name);
      results.push({ ...result, ...(facts !== undefined && { facts }) });
      process.stderr.write(result.ok ? '.' : 'E');
    }
    await ended;
    process.stderr.write('\n');
  } finally {
    for (const folder of [factsDir, outdir]) rmSync(folder, { recursive: true, force: true });
  }
  return results;
}

function readBaselines(file: string): Baselines {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Baselines) : {};
}

function recordBaseline(file: string, backend: CorpusBackend, results: readonly CaseResult[]): void {
  const baselines = readBaselines(file);
  const cases = { ...baselines[backend]?.cases };
  for (const { name, ok, ms, wallMs, facts } of results)
    cases[name] = { ok, ms, wallMs, memory: facts?.memory };
  const measuredAt = new Date().toISOString();
  writeFileSync(file, JSON.stringify({ ...baselines, [backend]: { measuredAt, cases } }, null, 1));
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      backend: { type: 'string', default: 'fullgraph' },
      case: { type: 'string', multiple: true, default: [] },
      match: { type: 'string' },
      runner: { type: 'string' },
      threads: { type: 'string', default: '2' },
      cache: { type: 'string' },
      reports: { type: 'string' },
      jobs: { type: 'string', default: '1' },
      timeout: { type: 'string', default: '300' },
      record: { type: 'boolean', default: false },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const backend = values.backend;
  if (values.help || (backend !== 'cpu' && backend !== 'wasm' && backend !== 'fullgraph')) {
    console.log(usage);
    return values.help ? 0 : 2;
  }
  const corpus = path.resolve(process.env['CORPUS_DIR'] ?? '');
  const runner = path.resolve(
    values.runner ?? process.env['CORPUS_RUNNER'] ?? path.join(corpus, '..', 'corpus-runner'),
  );
  if (process.env['CORPUS_DIR'] === undefined || !existsSync(path.join(corpus, 'src'))) {
    console.error(layout(process.env['CORPUS_DIR'] ?? ''));
    return 3;
  }
  if (!existsSync(path.join(runner, 'run.mjs'))) {
    console.error(
      `There is no run.mjs in ${runner}. Name the corpus's runner with --runner or CORPUS_RUNNER.`,
    );
    return 3;
  }
  if (backend === 'fullgraph' && !hasFullgraph()) {
    console.error(
      'This checkout has no src/session.ts, so there is no fullgraph backend to run the programs on.',
    );
    return 2;
  }
  if (values.cache !== undefined) mkdirSync(values.cache, { recursive: true });
  const results = await runCorpus({
    backend,
    corpus,
    runner,
    threads: Number(values.threads),
    cacheDir: values.cache === undefined ? undefined : path.resolve(values.cache),
    reports: values.reports === undefined ? undefined : path.resolve(values.reports),
    runnerArguments: [
      ...values.case.flatMap((name) => ['--case', name]),
      ...(values.match === undefined ? [] : ['--match', values.match]),
      '--jobs',
      values.jobs,
      '--timeout',
      values.timeout,
    ],
  });
  const baselineFile = path.join(corpus, 'baselines.json');
  if (values.record) recordBaseline(baselineFile, backend, results);
  if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(results, null, 1));
  const { text, isAccepted } = formatCorpusReport(backend, results, readBaselines(baselineFile));
  console.log(text);
  if (values.reports !== undefined) {
    const reports = await writeReports(path.resolve(values.reports));
    console.log(`\n${reports.text}`);
    if (!reports.isAccepted) return 1;
  }
  return isAccepted || backend !== 'fullgraph' ? 0 : 1;
}

process.exitCode = await main();
