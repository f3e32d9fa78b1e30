/**
 * Remembers the program's line across awaits inside tfjs: after its first `await`, `LayersModel.fit` runs on a stack
 * without any frame of the program. Its public asynchronous methods are wrapped, and their stack travels along.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { StackTaker, TakenStack } from './stacks.ts';
import type { MethodWraps } from './wrap-methods.ts';

const storage = new AsyncLocalStorage<TakenStack>();

/** Asynchronous methods of models, of whichever class has them. */
const asyncMethods: readonly string[] = [
  'fit',
  'fitDataset',
  'trainOnBatch',
  'evaluate',
  'evaluateDataset',
  'executeAsync',
  'predictAsync',
  'save',
];
const modelExports: ReadonlySet<string> = new Set(['LayersModel', 'Sequential', 'GraphModel']);

/** The stack of the model's method that is running, if one is. */
export function currentEntry(): TakenStack | undefined {
  return storage.getStore();
}

/** Wraps the models that a tfjs package exports. */
export function wrapModels(exports: object, wraps: MethodWraps, stacks: StackTaker): void {
  const around = (original: (this: unknown, ...parameters: unknown[]) => unknown) =>
    function (this: unknown, ...parameters: unknown[]): unknown {
      if (storage.getStore() !== undefined) return original.apply(this, parameters);
      return storage.run(stacks.take(), () => original.apply(this, parameters));
    };
  for (const [name, exported] of Object.entries(exports)) {
    if (!modelExports.has(name) || typeof exported !== 'function') continue;
    for (const method of asyncMethods)
      wraps.wrap((exported as { prototype: object }).prototype, method, around);
  }
}
