/**
 * tfjs's cpu kernels in double precision. They compute in doubles as they are; only what they store is rounded to float32. So a
 * second copy of tfjs-core and its cpu backend is made from the program's own files, with globals of its own and with arrays
 * of doubles under the name `Float32Array`.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { compileFunction } from 'node:vm';
import { createKernelRunner, type KernelRunner } from './kernel-runner.ts';
import type { KernelBackend, KernelConfig } from './tf-engine.ts';

interface Core {
  engine(): { findBackend(name: string): (KernelBackend & { firstUse?: boolean }) | null };
  env(): { platform: { isTypedArray(value: unknown): boolean } };
  getKernel(name: string, backend: string): KernelConfig | undefined;
}

const core = '@tensorflow/tfjs-core';
const cpu = '@tensorflow/tfjs-backend-cpu';

/** Stands for Float32Array in tfjs's code. Bytes are still those of floats. */
function createWideArray(): object {
  const widen = (...parameters: unknown[]): Float64Array => {
    const [first] = parameters;
    return first instanceof ArrayBuffer
      ? Float64Array.from(new Float32Array(...(parameters as [ArrayBuffer])))
      : new Float64Array(...(parameters as [number]));
  };
  function WideArray(...parameters: unknown[]): Float64Array {
    return widen(...parameters);
  }
  return Object.assign(
    Object.defineProperty(WideArray, Symbol.hasInstance, {
      value: (value: unknown) => value instanceof Float64Array,
    }),
    { from: Float64Array.from.bind(Float64Array), of: Float64Array.of.bind(Float64Array) },
    { BYTES_PER_ELEMENT: 4 },
  );
}

/** Exports of a CommonJS file that runs in a world of its own. */
function evaluate(file: string, world: object, packages: ReadonlyMap<string, unknown>): unknown {
  const from = createRequire(file);
  const load = (name: string): unknown => packages.get(name) ?? from(name);
  const module = { exports: {} };
  const body = compileFunction(
    readFileSync(file, 'utf8'),
    ['exports', 'require', 'module', '__filename', '__dirname', 'global', 'Float32Array'],
    { filename: file },
  ) as (...parameters: unknown[]) => void;
  body(module.exports, load, module, file, dirname(file), world, createWideArray());
  return module.exports;
}

/** Where the program, or the tfjs that it imports, has the package. */
function findPackage(name: string, place: string): string {
  const from = createRequire(place);
  try {
    return from.resolve(name);
  } catch {
    return createRequire(from.resolve('@tensorflow/tfjs')).resolve(name);
  }
}

/** Kernels of the tfjs that a program at `place` gets. @throws when it has none, or another kind of tfjs. */
export function loadExactKernels(place: string): KernelRunner {
  const world = {};
  const packages = new Map<string, unknown>();
  for (const name of [core, cpu]) packages.set(name, evaluate(findPackage(name, place), world, packages));
  const tf = packages.get(core) as Core;
  tf.env().platform.isTypedArray = (value) => ArrayBuffer.isView(value) && !(value instanceof DataView);
  const backend = tf.engine().findBackend('cpu')!;
  // Nobody reads tfjs's advertisement.
  backend.firstUse = false;
  return createKernelRunner(backend, (kernel) => tf.getKernel(kernel, 'cpu'));
}
