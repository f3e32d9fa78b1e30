/**
 * Live bugs of onnxruntime in random graphs: what `fullgraph minify` makes of them, and how many questions its node reduction asks
 * compared with other strategies over the same oracle.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { captureValues } from '../src/minifier/graph/capture-values.ts';
import { findFailure, type FoundFailure } from '../src/minifier/graph/find-failure.ts';
import { graphDomain, type GraphCase } from '../src/minifier/graph/graph-case.ts';
import { createGraphContext } from '../src/minifier/graph/graph-context.ts';
import type { Values } from '../src/minifier/graph/graph-cut.ts';
import { createGraphOracle } from '../src/minifier/graph/graph-oracle.ts';
import { minifyOnnx, type MinifyOnnxResult } from '../src/minifier/graph/minify-onnx.ts';
import { graphPasses } from '../src/minifier/graph/passes/index.ts';
import { TrialPool } from '../src/minifier/graph/trial-pool.ts';
import { nullJournal } from '../src/minifier/journal.ts';
import type { Oracle } from '../src/minifier/oracle.ts';
import { Problem } from '../src/minifier/problem.ts';
import { reduce } from '../src/minifier/reduce.ts';
import { showsFailure, type Signature } from '../src/minifier/verdict.ts';
import { contenders } from './minify/graph-contenders.ts';
import { buggyModel, onnxBugs, type OnnxBug } from './onnx-bugs.ts';

const nodeCounts = [60, 150, 300];
const seedLimit = 50;
const limitMs = 20_000;
const tolerance = { relative: 1e-3, absolute: 1e-5 };
const resolveFrom = import.meta.url;

interface Subject {
  readonly bug: OnnxBug;
  readonly testCase: GraphCase;
  readonly found: FoundFailure;
}

function createPool(): TrialPool {
  return new TrialPool({
    jobs: 1,
    cwd: process.cwd(),
    memoryLimitMb: 4_096,
    warmUp: { level: 'disabled', resolveFrom },
  });
}

/** A random graph in which the bug shows: in some, another optimizer pass takes the pattern away first. */
async function liveSubject(
  bug: OnnxBug,
  nodeCount: number,
  firstSeed: number,
  pool: TrialPool,
): Promise<Subject> {
  for (let seed = firstSeed; seed < firstSeed + seedLimit; seed++) {
    const testCase = buggyModel(bug, nodeCount, seed);
    try {
      const options = {
        pool,
        tolerance,
        limitMs,
        resolveFrom,
        kind: 'auto',
        onStage: () => {},
        now: () => performance.now(),
      } as const;
      return { bug, testCase, found: await findFailure(testCase, options) };
    } catch {
      // It does not fail: the next.
    }
  }
  throw new Error(`${bug.name} shows in none of ${seedLimit} graphs of ${nodeCount} nodes`);
}

async function minified({ bug, testCase }: Subject, folder: string): Promise<MinifyOnnxResult> {
  const { model, inputs } = testCase;
  return minifyOnnx({
    input: bug.name,
    model,
    inputs,
    cwd: folder,
    jobs: 1,
    stateDirectory: false,
    outputDirectory: join(folder, bug.name),
  }).result;
}

interface Score {
  readonly nodes: number;
  readonly trials: number;
}

interface Counted {
  readonly values: Values;
  readonly oracle: Oracle<GraphCase>;
  readonly expected: Signature;
  readonly message: string;
}

/** The oracle, the values and the failure; recording the values and asking about the original are trials of everyone. */
async function prepare({ testCase, found }: Subject, pool: TrialPool): Promise<Counted> {
  const { experiment, recording } = found;
  const oracle = createGraphOracle({ pool, experiment, tolerance, timeLimitMs: limitMs });
  const { signature, message } = await oracle.judge(testCase);
  const { values } = await captureValues(testCase, pool, recording, limitMs);
  return { values, oracle, expected: signature!, message };
}

async function ours(
  subject: Subject,
  pool: TrialPool,
): Promise<Score & { readonly steps: readonly Score[] }> {
  const before = pool.requests;
  const { values, oracle, expected, message } = await prepare(subject, pool);
  const steps: Score[] = [];
  const problem = new Problem<GraphCase>({
    initial: subject.testCase,
    expected,
    domain: graphDomain,
    oracle,
    journal: nullJournal,
    jobs: 1,
    budget: {},
    thoroughRuns: 1,
    isWarm: false,
    now: () => performance.now(),
    onRecord: (record) => {
      if (record.kind === 'minify-best') steps.push({ nodes: record.size, trials: pool.requests - before });
    },
  });
  const context = createGraphContext(
    async (testCase) => {
      if (testCase === subject.testCase) return values;
      return (await captureValues(testCase, pool, subject.found.recording, limitMs)).values;
    },
    { message: expected.kind === 'crash' ? message : '' },
  );
  const nodePasses = graphPasses.filter(({ tier }) => tier === 0);
  await reduce(problem, nodePasses, context);
  return { nodes: graphDomain.size(problem.best), trials: pool.requests - before, steps };
}

async function theirs(subject: Subject, pool: TrialPool, name: string): Promise<Score> {
  const before = pool.requests;
  const { values, oracle, expected } = await prepare(subject, pool);
  const best = await contenders[name]!({
    initial: subject.testCase,
    values,
    fails: async (testCase) => showsFailure(await oracle.judge(testCase), expected),
  });
  return { nodes: graphDomain.size(best), trials: pool.requests - before };
}

function row(cells: readonly (string | number)[]): void {
  console.log(`| ${cells.join(' | ')} |`);
}

function header(cells: readonly string[]): void {
  row(cells);
  row(cells.map((_, index) => (index === 0 ? '---' : '--:')));
}

function geometricMean(numbers: readonly number[]): string {
  return Math.exp(numbers.reduce((sum, each) => sum + Math.log(each), 0) / numbers.length).toFixed(1);
}

/** Questions after which our reduction was at most this small. */
function reached(steps: readonly Score[], nodes: number): number {
  return steps.find((step) => step.nodes <= nodes)?.trials ?? Infinity;
}

/** Prints nodes and trials of every reducer on every subject. */
async function compare(subjects: readonly Subject[], pool: TrialPool): Promise<void> {
  const names = Object.keys(contenders);
  header(['bug', 'nodes', 'fullgraph', ...names]);
  const all: Score[] = [];
  const others = names.map((): (Score & { readonly reached: number })[] => []);
  for (const subject of subjects) {
    const { steps, ...score } = await ours(subject, pool);
    all.push(score);
    for (const [index, name] of names.entries()) {
      const other = await theirs(subject, pool, name);
      others[index]!.push({ ...other, reached: reached(steps, other.nodes) });
    }
    const cells = others.map((column) => column.at(-1)!);
    row([
      subject.bug.name,
      graphDomain.size(subject.testCase),
      `${score.nodes} / ${score.trials}`,
      ...cells.map((other) => `${other.nodes} / ${other.trials} (${other.reached})`),
    ]);
  }
  const mean = <T>(column: readonly T[], pick: (score: T) => number): string =>
    geometricMean(column.map(pick));
  row([
    'geometric mean',
    '',
    `${mean(all, (score) => score.nodes)} / ${mean(all, (score) => score.trials)}`,
    ...others.map(
      (column) =>
        `${mean(column, (score) => score.nodes)} / ${mean(column, (score) => score.trials)} (${mean(column, (score) => score.reached)})`,
    ),
  ]);
}

/** Prints two Markdown tables about these bugs. */
export async function benchmarkGraphs(bugs: readonly OnnxBug[] = onnxBugs): Promise<void> {
  const pool = createPool();
  const folder = mkdtempSync(join(tmpdir(), 'fullgraph-bench-'));
  try {
    const subjects: Subject[] = [];
    for (const bug of bugs) {
      for (const [index, nodeCount] of nodeCounts.entries()) {
        subjects.push(await liveSubject(bug, nodeCount, 1 + 100 * index, pool));
      }
    }
    header(['bug', 'nodes before', 'after', 'minimum', 'trials', 'ms', 'introduced by', 'repro verified']);
    for (const subject of subjects) {
      const result = await minified(subject, folder);
      const { sizeBefore, sizeAfter, trials, durationMs, introducedBy, isVerified } = result;
      row([
        subject.bug.title,
        sizeBefore,
        sizeAfter,
        subject.bug.minimum,
        trials,
        Math.round(durationMs),
        introducedBy,
        isVerified ? 'yes' : 'no',
      ]);
    }
    console.log(
      '\nNodes left / questions asked; in brackets the questions after which fullgraph was as small as that.\n',
    );
    await compare(subjects, pool);
  } finally {
    pool.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
