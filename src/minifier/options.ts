/** What the user may say about a minification, as data: flags with their texts for the CLI, and the options that they make. */
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { UserError } from '../ir/errors.ts';
import { parseBudget, type Budget } from './budget.ts';
import type { CaptureSettings } from './program/messages.ts';
import type { FailureKind } from './verdict.ts';

export interface MinifyOptions {
  /** Path of the program. */
  readonly input: string;
  /** Arguments of the program. */
  readonly arguments: readonly string[];
  readonly cwd: string;
  /** The program is captured and compiled like this; left out, when it does not fail without. */
  readonly capture?: CaptureSettings;
  /** tfjs backend that the program gets. */
  readonly backend?: string;
  /** tfjs backend to compare with. */
  readonly reference?: string;
  /** URLs of modules that are loaded before the program in the failing set-up. */
  readonly setup: readonly string[];
  readonly fail: FailureKind | 'auto';
  /** For `custom`: exits with 0 while the failure is there. */
  readonly command?: string;
  readonly relativeTolerance: number;
  readonly absoluteTolerance: number;
  /** Nothing but the tolerances judges differences of programs: they were given. Default: double precision does as well. */
  readonly isToleranceOnly?: boolean;
  readonly jobs: number;
  readonly budget: Budget;
  readonly seed: number;
  /** Longest time that a trial may take; measured from the original when left out. */
  readonly timeLimitMs?: number;
  readonly memoryLimitMb: number;
  /** For `slow`: duration from which a run counts as failing. */
  readonly slowMs?: number;
  /** Where journal and best-so-far are kept. */
  readonly stateDirectory?: string;
  readonly resume: boolean;
  /** Folder that receives the repro; named after the signature in `cwd` when left out. */
  readonly outputDirectory?: string;
}

export interface MinifyFlag {
  readonly name: string;
  readonly type: 'string' | 'boolean';
  readonly value?: string;
  readonly description: string;
}

/** The flags of `fullgraph minify`, in the order of its help. */
export const minifyFlags: readonly MinifyFlag[] = [
  {
    name: 'fail',
    type: 'string',
    value: '<kind>',
    description: 'crash, diverge, nan, hang, slow, custom:<command>; default: find out',
  },
  {
    name: 'backend',
    type: 'string',
    value: '<name>',
    description: 'what fails: a tfjs backend (wasm), or one of ours (onnxruntime, eager, fault-wrong)',
  },
  {
    name: 'reference',
    type: 'string',
    value: '<name>',
    description: 'tfjs backend that is right; of a model: evaluator, the ONNX operators in double precision',
  },
  {
    name: 'device',
    type: 'string',
    value: '<name>',
    description: 'where onnxruntime runs compiled graphs: cpu, webgpu, cuda',
  },
  {
    name: 'setup',
    type: 'string',
    value: '<module>',
    description: 'module to load before the program',
  },
  {
    name: 'rtol',
    type: 'string',
    value: '<number>',
    description: 'relative tolerance of comparisons (1e-3); of programs: given, it alone judges',
  },
  {
    name: 'atol',
    type: 'string',
    value: '<number>',
    description: 'absolute tolerance of comparisons (1e-5); the same',
  },
  {
    name: 'jobs',
    type: 'string',
    value: '<n>',
    description: 'trials at once; the result is the same for any number',
  },
  {
    name: 'budget',
    type: 'string',
    value: '<limit>',
    description: "when to stop: '60s', '500 trials', '5m|2000 trials'",
  },
  { name: 'seed', type: 'string', value: '<n>', description: 'seed of Math.random in the program (1)' },
  { name: 'timeout', type: 'string', value: '<ms>', description: 'longest time for a trial' },
  { name: 'memory', type: 'string', value: '<mb>', description: 'most memory for a trial (2048)' },
  {
    name: 'slow-ms',
    type: 'string',
    value: '<ms>',
    description: 'with --fail slow: duration that counts as failing',
  },
  {
    name: 'state',
    type: 'string',
    value: '<folder>',
    description: 'where progress is kept (.fullgraph/minify)',
  },
  { name: 'resume', type: 'boolean', description: 'go on where an interrupted run ended' },
  { name: 'output', type: 'string', value: '<folder>', description: 'folder for the repro' },
];

const kinds: readonly string[] = ['crash', 'diverge', 'nan', 'hang', 'slow', 'auto'];
/** Backend of ours that programs are compiled with. */
export const defaultCompiler = 'onnxruntime';
const customPrefix = 'custom:';

function parseNumber(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value >= 0) return value;
  throw new UserError(`minify: --${flag} takes a number, got '${text}'`, {
    code: 'FG4002',
    hint: `Write --${flag} <number>.`,
  });
}

/** URL of a module that is named as `import` names it, from a folder. */
function moduleUrl(name: string, cwd: string): string {
  try {
    return pathToFileURL(createRequire(join(cwd, 'index.js')).resolve(name)).href;
  } catch (cause) {
    throw new UserError(`minify: --setup ${name} is not there`, {
      code: 'FG4002',
      hint: 'Name a file as ./file.mjs, or a package.',
      cause,
    });
  }
}

function parseFailure(text: string | undefined): Pick<MinifyOptions, 'fail' | 'command'> {
  if (text === undefined) return { fail: 'auto' };
  if (text.startsWith(customPrefix) && text.length > customPrefix.length) {
    return { fail: 'custom', command: text.slice(customPrefix.length) };
  }
  if (kinds.includes(text)) return { fail: text as MinifyOptions['fail'] };
  throw new UserError(`minify: --fail ${text} is not a kind of failure`, {
    code: 'FG4002',
    hint: `Use ${kinds.join(', ')} or custom:<command>.`,
  });
}

/** Values of `minifyFlags` as `util.parseArgs` gives them. */
export type MinifyFlagValues = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

/**
 * Options from flags.
 * @param compileBackends names of `--backend` that capture and compile the program.
 * @throws UserError FG4002 for a value that a flag does not take.
 */
export function parseMinifyOptions(
  input: string,
  programArguments: readonly string[],
  values: MinifyFlagValues,
  cwd: string,
  compileBackends: readonly string[] = [],
): MinifyOptions {
  const text = (flag: string): string | undefined => {
    const value = values[flag];
    return typeof value === 'string' ? value : undefined;
  };
  const number = (flag: string): number | undefined => parseNumber(flag, text(flag));
  const optional = <K extends string, V>(key: K, value: V | undefined): { readonly [k in K]?: V } =>
    value === undefined ? {} : ({ [key]: value } as { readonly [k in K]: V });
  const setup = values['setup'];
  const { fail, ...command } = parseFailure(text('fail'));
  if (fail === 'slow' && text('slow-ms') === undefined) {
    throw new UserError('minify: --fail slow does not know what is slow', {
      code: 'FG4002',
      hint: 'Add --slow-ms <ms>: the duration from which a run counts as failing.',
    });
  }
  const [backend, device] = [text('backend'), text('device')];
  const compiler = backend ?? defaultCompiler;
  const isCompiled = device !== undefined || (backend !== undefined && compileBackends.includes(backend));
  const budget = text('budget');
  return {
    input,
    arguments: programArguments,
    cwd,
    fail,
    ...command,
    ...(isCompiled ? {} : optional('backend', backend)),
    ...optional('capture', isCompiled ? { backend: compiler, ...optional('device', device) } : undefined),
    ...optional('reference', text('reference')),
    setup: typeof setup === 'string' ? [moduleUrl(setup, cwd)] : [],
    relativeTolerance: number('rtol') ?? 1e-3,
    absoluteTolerance: number('atol') ?? 1e-5,
    isToleranceOnly: text('rtol') !== undefined || text('atol') !== undefined,
    jobs: Math.max(1, Math.floor(number('jobs') ?? Math.max(1, availableParallelism() - 1))),
    budget: budget === undefined ? {} : parseBudget(budget),
    seed: number('seed') ?? 1,
    ...optional('timeLimitMs', number('timeout')),
    memoryLimitMb: number('memory') ?? 2048,
    ...optional('slowMs', number('slow-ms')),
    ...optional('stateDirectory', text('state')),
    resume: values['resume'] === true,
    ...optional('outputDirectory', text('output')),
  };
}
