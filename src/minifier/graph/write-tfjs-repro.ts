/**
 * The second form of a repro whose graph came out of a tfjs program: the program's own kernels. The reduced model was cut down
 * further than kernels can be, so the part of the captured graph around it is tried, with more and more of the calls before
 * it, until it fails from its folder in a fresh process.
 */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { encodeModel, type OnnxModel, type OnnxTensor } from '../../onnx/index.ts';
import type { Signature } from '../verdict.ts';
import { callsOf, partOf, withProducers, type CapturedSource } from './captured-graph.ts';
import { inputsFile } from './graph-case.ts';
import { makeInputs } from './make-inputs.ts';
import { tfjsFiles, tfjsScript } from './tfjs-script.ts';
import type { Setup, Tolerance } from './trial-messages.ts';
import { runScript } from '../repro/repro-folder.ts';

export interface TfjsReproFacts {
  readonly directory: string;
  readonly source: CapturedSource;
  /** The reduced model, nodes named after the calls that they came from. */
  readonly best: OnnxModel;
  /** Values of the captured graph's inputs. */
  readonly inputs: ReadonlyMap<string, OnnxTensor>;
  readonly seed: number;
  readonly subject: Setup;
  readonly signature: Signature;
  readonly tolerance: Tolerance;
  readonly timeLimitMs: number;
  /** Folder of the user: tfjs is looked up from there first. */
  readonly cwd: string;
}

export interface TfjsRepro {
  /** Kernel calls that are left, and that there were. */
  readonly calls: number;
  readonly callsBefore: number;
  /** Version of tfjs that it was run with. */
  readonly version: string;
  readonly output: string;
}

/** Levels of producers around the calls; the last is the whole graph. */
const levels = [0, 1, 2, 4, 8, Infinity];

function findTfjs(cwd: string): string | undefined {
  for (const from of [join(cwd, 'package.json'), import.meta.url]) {
    try {
      return createRequire(from).resolve('@tensorflow/tfjs/package.json');
    } catch {
      // Not there: the next place.
    }
  }
  return undefined;
}

/** Lets the folder find both packages while it is checked. */
async function withBoth<R>(
  directory: string,
  tfjs: string,
  subject: Setup,
  action: () => Promise<R>,
): Promise<R> {
  const modules = join(directory, 'node_modules');
  const onnxruntime = createRequire(subject.resolveFrom).resolve('onnxruntime-node/package.json');
  mkdirSync(modules);
  try {
    symlinkSync(dirname(onnxruntime), join(modules, 'onnxruntime-node'), 'junction');
    symlinkSync(dirname(dirname(tfjs)), join(modules, '@tensorflow'), 'junction');
    return await action();
  } finally {
    rmSync(modules, { recursive: true, force: true });
  }
}

function* widerParts(source: CapturedSource, best: OnnxModel): Generator<ReadonlySet<string>> {
  let calls: ReadonlySet<string> = callsOf(source, best);
  let level = 0;
  let size = -1;
  for (const wanted of calls.size === 0 ? [] : levels) {
    for (let before = -1; level < wanted && before !== calls.size; level++) {
      before = calls.size;
      calls = withProducers(source.graph, calls);
    }
    if (calls.size === size) continue;
    size = calls.size;
    yield calls;
  }
}

/** Writes the files. @returns undefined when tfjs is not installed, or no part shows the failure. */
export async function writeTfjsRepro(facts: TfjsReproFacts): Promise<TfjsRepro | undefined> {
  const { directory, source, best, inputs, seed, signature, timeLimitMs, cwd, subject } = facts;
  const tfjs = findTfjs(cwd);
  if (tfjs === undefined) return undefined;
  const { version } = createRequire(import.meta.url)(tfjs) as { version: string };
  const paths = Object.values(tfjsFiles).map((name) => join(directory, name));
  const isComparison = signature.kind === 'diverge' || signature.kind === 'nan';
  for (const calls of widerParts(source, best)) {
    const part = partOf(source.graph, calls);
    const model = source.toModel(part);
    const names = new Set(model.graph.inputs.map(({ name }) => name));
    const given = new Map([...inputs].filter(([name]) => names.has(name)));
    const values = makeInputs(model, { seed, given });
    writeFileSync(join(directory, tfjsFiles.model), encodeModel(model));
    writeFileSync(join(directory, tfjsFiles.inputs), inputsFile({ model, inputs: values }));
    writeFileSync(join(directory, tfjsFiles.script), tfjsScript({ ...facts, part, model, inputs: values }));
    const { exitCode, output } = await withBoth(directory, tfjs, subject, () =>
      runScript(directory, 2 * timeLimitMs, [tfjsFiles.script]),
    );
    const isFailure = exitCode === 1 && /^FAIL/m.test(output);
    const isSame = isComparison
      ? /expected .* got /.test(output)
      : output.includes(signature.name) || signature.name === 'Error';
    if (isFailure && isSame) {
      const callsBefore = source.graph.nodes.filter(({ kind }) => kind === 'call').length;
      return { calls: calls.size, callsBefore, version, output };
    }
  }
  for (const path of paths) rmSync(path, { force: true });
  return undefined;
}
