/** A user's project in a temporary folder, with tfjs and fullgraph installed, and the built command to run in it. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { root } from './reports.ts';

export const cli: string = join(root, 'dist/cli/main.js');

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StartOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Standard input; empty when absent. */
  readonly input?: string | Buffer;
}

export interface Project {
  readonly folder: string;
  /** Writes a file. @returns its path */
  write(name: string, text: string | Buffer): string;
  /** `fullgraph <words>`. */
  fullgraph(words: readonly string[], options?: StartOptions): Outcome;
  /** `node <words>`. */
  node(words: readonly string[], options?: StartOptions): Outcome;
  /** Starts `fullgraph <words>` and does not wait. */
  start(words: readonly string[]): ChildProcess;
  remove(): void;
}

const ofTheMachine = /^(?:CI|COLUMNS|NO_COLOR|FORCE_COLOR|GITHUB_.*|VITEST.*|NODE_ENV|NODE_OPTIONS)$/;

export function createProject(): Project {
  const folder = mkdtempSync(join(tmpdir(), 'fullgraph-cli-'));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(join(root, 'node_modules/@tensorflow'), join(folder, 'node_modules/@tensorflow'));
  symlinkSync(root, join(folder, 'node_modules/fullgraph'));
  const inherited = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !ofTheMachine.test(name)),
  );
  const environment = (extra: StartOptions['env']): NodeJS.ProcessEnv => ({
    ...inherited,
    XDG_CACHE_HOME: join(folder, '.cache'),
    ...extra,
  });
  function node(words: readonly string[], { cwd = folder, env, input = '' }: StartOptions = {}): Outcome {
    const { status, stdout, stderr } = spawnSync(process.execPath, [...words], {
      cwd,
      input,
      encoding: 'utf8',
      env: environment(env),
      maxBuffer: 1 << 28,
    });
    return { status, stdout, stderr };
  }
  return {
    folder,
    write(name, text) {
      const file = join(folder, name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
      return file;
    },
    node,
    fullgraph: (words, options) => node([cli, ...words], options),
    start: (words) =>
      spawn(process.execPath, [cli, ...words], { cwd: folder, env: environment({}), stdio: 'pipe' }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Reads a tensor in a loop and decides on it: one break, five times. */
export const loopProgram = `import * as tf from '@tensorflow/tfjs';
const weights = tf.variable(tf.ones([4, 4]));
let total = 0;
for (let i = 0; i < 5; i++) {
  const score = tf.ones([2, 4]).matMul(weights).mul(i).relu().sum();
  const value = score.dataSync()[0];
  if (value > 3) total += value;
}
console.log('total', total);
`;
