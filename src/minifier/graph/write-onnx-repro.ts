/** Writes the repro folder of a model and proves it: `repro.mjs` must fail there in a fresh process. */
import { lstatSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { runScript, writeFolder, writeInto } from '../repro/repro-folder.ts';
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

/** Writes model.onnx, inputs.npz, repro.mjs, package.json and README.md. @throws UserError FG4006 */
export async function writeOnnxRepro(facts: OnnxReproFacts): Promise<OnnxRepro> {
  const { directory, best, experiment, timeLimitMs, signature } = facts;
  const manifestPath = createRequire(experiment.subject.resolveFrom).resolve('onnxruntime-node/package.json');
  const { version } = createRequire(import.meta.url)(manifestPath) as { version: string };
  const manifest = (dependencies: Readonly<Record<string, string>>): string =>
    `${JSON.stringify({ name: 'repro', private: true, type: 'module', dependencies }, undefined, 2)}\n`;
  // A command brings what it needs.
  const runtime = facts.command === undefined ? { 'onnxruntime-node': version } : {};
  writeFolder(directory, {
    ...graphDomain.files(best),
    'repro.mjs': reproScript(facts),
    'package.json': manifest(runtime),
  });
  const packages = dirname(dirname(manifestPath));
  const { exitCode, output } = await withPackages(directory, packages, () =>
    runScript(directory, 2 * timeLimitMs),
  );
  const isSignal = signature.kind === 'crash' && signature.name.startsWith('SIG');
  const isVerified =
    exitCode === 1 && output.startsWith('FAIL') && (!isSignal || output.includes(signature.name));
  const tfjs = await facts.writeTfjs?.();
  const packageVersions = { ...runtime, ...(tfjs && { '@tensorflow/tfjs': tfjs.version }) };
  const versions = { ...packageVersions, node: process.version.slice(1) };
  const report = onnxReport({ ...facts, versions, output, isVerified, ...(tfjs && { tfjs }) });
  writeInto(directory, { 'package.json': manifest(packageVersions), 'README.md': report });
  return { directory, isVerified, output };
}
