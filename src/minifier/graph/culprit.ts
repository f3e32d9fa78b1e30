/**
 * Which part of onnxruntime introduces a failure: the lowest optimization level, then the least set of optimizer passes without
 * which it goes away. The library logs whether each pass changed the graph, and ends the log where it fails: only
 * those passes are suspects. Halving finds one pass in a few trials; a fusion that runs at two levels (`LayerNormFusionL1`,
 * `L2`) needs both halves, which QuickXplain finds as well.
 */
import type { GraphCase } from './graph-case.ts';
import { GraphWriter } from '../../onnx/index.ts';
import { failureOf, trialRequest } from './graph-oracle.ts';
import type { OptimizationLevel, Setup, Tolerance } from './trial-messages.ts';
import type { TrialOutcome, TrialPool } from './trial-pool.ts';

export interface Blame {
  readonly level: OptimizationLevel;
  /** What to disable, as onnxruntime spells it; empty when no optimizer pass is to blame. */
  readonly optimizers: readonly string[];
  /** `PadFusion`, or empty. */
  readonly name: string;
}

/** Rules inside `Level1_RuleBasedTransformer` and `Level2_...`, which the log does not list one by one. */
const ruleNames: Readonly<Record<string, readonly string[]>> = {
  Level1_RuleBasedTransformer: [
    'ConvAddFusion',
    'ConvMulFusion',
    'ConvBNFusion',
    'DivMulFusion',
    'FuseReluClip',
    'GemmSumFusion',
    'GemmTransposeFusion',
    'LabelEncoderFusion',
    'MatMul_BatchNormalization_Fusion',
    'NotWhereFusion',
    'Pad_Fusion',
    'CastChainElimination',
    'CastElimination',
    'EliminateDropout',
    'EliminateIdentity',
    'EliminateSlice',
    'ExpandElimination',
    'NoopElimination',
    'PreShapeNodeElimination',
    'UnsqueezeElimination',
  ],
  Level2_RuleBasedTransformer: ['ClipQuantRewrite', 'ReluQuantRewrite'],
};

const levels: readonly OptimizationLevel[] = ['basic', 'extended', 'layout', 'all'];

/** Changed the graph or not, by name, in order of their first run. */
export function parseOptimizerLog(log: string): Map<string, boolean> {
  const passes = new Map<string, boolean>();
  for (const [, name, modified] of log.matchAll(/GraphTransformer (\S+) modified: (\d)/g)) {
    passes.set(name!, modified === '1' || passes.get(name!) === true);
  }
  return passes;
}

/** A name as it stands in onnxruntime's sources: without underscores and the level. */
export function displayName(optimizer: string): string {
  return optimizer.replaceAll('_', '').replace(/(?<=Fusion)L[12]$/, '');
}

/** The least subset of `items` for which `holds`, which is known to hold for all and to be monotone. */
export async function leastSubset<T>(
  items: readonly T[],
  holds: (part: readonly T[]) => Promise<boolean>,
): Promise<T[]> {
  async function needed(background: readonly T[], hasNew: boolean, rest: readonly T[]): Promise<T[]> {
    if (hasNew && (await holds(background))) return [];
    if (rest.length === 1) return [...rest];
    const half = Math.ceil(rest.length / 2);
    const [first, second] = [rest.slice(0, half), rest.slice(half)];
    const fromSecond = await needed([...background, ...first], true, second);
    const fromFirst = await needed([...background, ...fromSecond], fromSecond.length > 0, first);
    return [...fromFirst, ...fromSecond];
  }
  return items.length === 0 ? [] : needed([], false, items);
}

/** Names of the optimizer passes that run up to a level, as they can be disabled. */
export async function optimizersAt(
  level: OptimizationLevel,
  pool: TrialPool,
  setup: Setup,
  limitMs: number,
): Promise<string[]> {
  const request = trialRequest(trivialCase(), { subject: { ...setup, level } }, { relative: 0, absolute: 0 });
  const { log } = await pool.runVerbose(request, limitMs);
  return [...parseOptimizerLog(log).keys()].flatMap((name) => ruleNames[name] ?? [name]);
}

export interface BlameOptions {
  readonly pool: TrialPool;
  readonly subject: Setup;
  readonly reference?: Setup;
  readonly tolerance: Tolerance;
  readonly limitMs: number;
  /** Told what was tried. */
  onStage(name: string, verdict: string): void;
}

function hasFailed(outcome: TrialOutcome): boolean {
  if (outcome.kind === 'died') return outcome.role === 'subject';
  return outcome.report.subject !== undefined && failureOf(outcome.report.subject) !== undefined;
}

/** A model that every set-up runs. */
export function trivialCase(): GraphCase {
  const graph = new GraphWriter('trivial');
  const x = graph.input('x', 'float32', [1]);
  graph.output(graph.add('Abs', [x]), 'float32', [1]);
  const value = { name: 'x', dims: [1], dataType: 'float32' as const, data: Float32Array.of(1) };
  return { model: graph.toModel(), inputs: new Map([['x', value]]) };
}

/** Who is to blame for a failure of the subject at its level. */
export async function findCulprit(testCase: GraphCase, options: BlameOptions): Promise<Blame> {
  const { pool, subject, reference, tolerance, limitMs, onStage } = options;

  async function fails(setup: Setup): Promise<boolean> {
    const setups = { subject: setup, ...(reference && { reference }) };
    return hasFailed(await pool.run(trialRequest(testCase, setups, tolerance), limitMs));
  }

  async function lowestLevel(): Promise<OptimizationLevel> {
    let [low, high] = [0, levels.indexOf(subject.level)];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const level = levels[middle]!;
      const isFailing = await fails({ ...subject, level });
      onStage(`optimization level ${level}`, isFailing ? 'fails' : 'passes');
      if (isFailing) high = middle;
      else low = middle + 1;
    }
    return levels[low]!;
  }

  async function passesOf(which: GraphCase, level: OptimizationLevel) {
    const request = trialRequest(which, { subject: { ...subject, level } }, tolerance);
    const { outcome, log } = await pool.runVerbose(request, limitMs);
    return {
      passes: parseOptimizerLog(log),
      isWhole: outcome.kind === 'report' && outcome.report.subject?.kind === 'ok',
      isDead: outcome.kind === 'died',
    };
  }

  async function suspects(level: OptimizationLevel): Promise<string[]> {
    const { passes, isWhole, isDead } = await passesOf(testCase, level);
    // Who dies is often not who did it: a pass that gives up half-way damages the graph and logs "modified: 0"
    // (MatmulTransposeFusion), and a later one trips over it (NchwcTransformer). Then all that ran are suspects.
    const names = [...passes].filter(([, isModified]) => isModified || isDead).map(([name]) => name);
    if (!isWhole) {
      const { passes: all } = await passesOf(trivialCase(), level);
      names.push(...[...all.keys()].filter((name) => !passes.has(name)));
    }
    const expanded = names.flatMap((name) => ruleNames[name] ?? [name]);
    // Where several passes must come together, the fusion is what people look for.
    const isFusion = (name: string): boolean => /Fus/.test(name);
    return [...expanded.filter(isFusion), ...expanded.filter((name) => !isFusion(name))];
  }

  const level = await lowestLevel();
  const names = await suspects(level);
  const isCured = async (disabledOptimizers: readonly string[]): Promise<boolean> =>
    !(await fails({ ...subject, level, disabledOptimizers }));
  if (names.length === 0 || !(await isCured(names))) {
    onStage(`optimizer passes at level ${level}`, 'not one of them');
    return { level, optimizers: [], name: '' };
  }
  const optimizers = await leastSubset(names, isCured);
  const name = [...new Set(optimizers.map(displayName))].join(' with ');
  onStage(`without ${optimizers.join(', ')}`, 'passes');
  return { level, optimizers, name };
}
