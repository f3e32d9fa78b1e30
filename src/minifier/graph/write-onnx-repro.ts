/** Writes the repro folder of a model and proves it: `repro.mjs` must fail there in a fresh process. */
import { spawn } from 'node:child_process';
import { lstatSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { EnvironmentError } from '../../ir/errors.ts';
import { makeFolder } from '../make-folder.ts';
import { graphDomain } from './graph-case.ts';
import { onnxReport, type OnnxReportFacts } from './onnx-report.ts';
import { reproScript } from './repro-script.ts';
import type { TfjsRepro } from './write-tfjs-repro.ts';

export interface OnnxRepro {
  readonly directory: string;
  readonly isVerified: boolean;
  /** What `repro.mjs` printed. */
  readonly output: string;
}

export type OnnxReproFacts = Omit<OnnxReportFacts, 'versions' | 'output' | 'isVerified' | 'tfjs'> & {
  readonly directory: string;
  /** Writes the second form into the folder. */
  readonly writeTfjs?: (() => Promise<TfjsRepro | undefined>) | undefined;
};

function writing<R>(directory: string, action: () => R): R {
  try {
    return action();
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    throw new EnvironmentError(`minify: cannot write the repro to ${directory} (${code})`, {
      code: 'FG4006',
      hint: 'Name another folder with --output <folder>; --resume keeps what was found.',
      cause,
    });
  }
}

/** Runs a script of a folder; what it printed at last. */
export function runScript(
  directory: string,
  limitMs: number,
  script = 'repro.mjs',
): Promise<{ readonly exitCode: number | null; readonly output: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [script], {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const collect = (chunk: Buffer): void => {
      output = (output + chunk.toString('utf8')).slice(-4_000);
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
    child.once('close', (exitCode) => {
      clearTimeout(timer);
      resolve({ exitCode, output: output.trim() });
    });
  });
}

/** Lets the folder find onnxruntime-node while it is checked. */
async function withPackages<R>(directory: string, packages: string, action: () => Promise<R>): Promise<R> {
  const link = join(directory, 'node_modules');
  if (lstatSync(link, { throwIfNoEntry: false })) return action();
  symlinkSync(packages, link, 'junction');
  try {
    return await action();
  } finally {
    rmSync(link, { force: true });
  }
}

/** Writes model.onnx, inputs.npz, repro.mjs, package.json and README.md. @throws EnvironmentError FG4006 */
export async function writeOnnxRepro(facts: OnnxReproFacts): Promise<OnnxRepro> {
  const { directory, best, experiment, timeLimitMs, signature } = facts;
  const manifestPath = createRequire(experiment.subject.resolveFrom).resolve('onnxruntime-node/package.json');
  const { version } = createRequire(import.meta.url)(manifestPath) as { version: string };
  const manifest = (dependencies: Readonly<Record<string, string>>): string =>
    `${JSON.stringify({ name: 'repro', private: true, type: 'module', dependencies }, undefined, 2)}\n`;
  writing(directory, () => {
    rmSync(directory, { recursive: true, force: true });
    makeFolder(directory);
    for (const [path, contents] of Object.entries(graphDomain.files(best))) {
      writeFileSync(join(directory, path), contents);
    }
    writeFileSync(join(directory, 'repro.mjs'), reproScript(facts));
    writeFileSync(join(directory, 'package.json'), manifest({ 'onnxruntime-node': version }));
  });
  const packages = dirname(dirname(manifestPath));
  const { exitCode, output } = await withPackages(directory, packages, () =>
    runScript(directory, 2 * timeLimitMs),
  );
  const isSignal = signature.kind === 'crash' && signature.name.startsWith('SIG');
  const isVerified =
    exitCode === 1 && output.startsWith('FAIL') && (!isSignal || output.includes(signature.name));
  const tfjs = await facts.writeTfjs?.();
  const packageVersions = { 'onnxruntime-node': version, ...(tfjs && { '@tensorflow/tfjs': tfjs.version }) };
  const versions = { ...packageVersions, node: process.version.slice(1) };
  const report = onnxReport({ ...facts, versions, output, isVerified, ...(tfjs && { tfjs }) });
  writing(directory, () => {
    writeFileSync(join(directory, 'package.json'), manifest(packageVersions));
    writeFileSync(join(directory, 'README.md'), report);
  });
  return { directory, isVerified, output };
}
