/**
 * What a function uses from around it, as guards: numbers and texts by value, tensors and variables by identity (their
 * contents are looked up at each call), lists and records of these item by item, models as replayed models are.
 */
import type { Engine, TensorInfo, TfModule } from './tf-module.ts';
import {
  inspectGraphModel,
  inspectLayersModel,
  type ModelFacts,
  type TrustedClasses,
} from './replay-guards.ts';

type Fields = Record<string, unknown>;

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

export function isTensorLike(value: unknown): value is TensorInfo & Fields {
  return isObject(value) && isObject(value['dataId']) && Array.isArray(value['shape']);
}

/** Whether a value is a module of tfjs, of whichever copy: engines are global. */
export function isModuleOf(value: unknown, engine: Engine): boolean {
  return (
    isObject(value) &&
    typeof value['engine'] === 'function' &&
    (value as unknown as TfModule).engine() === engine
  );
}

/** Kind of model, by what only these have. */
export function modelKind(value: unknown): 'layers' | 'graph' | undefined {
  if (!isObject(value)) return undefined;
  if (isObject(value['executor']) && typeof value['execute'] === 'function') return 'graph';
  return Array.isArray(value['layers']) && typeof value['predict'] === 'function' ? 'layers' : undefined;
}

export function isPlainRecord(value: unknown): value is Fields {
  return isObject(value) && Object.getPrototypeOf(value) === Object.prototype;
}

/** Lists and records inside each other. */
const maxDepth = 3;

/**
 * @param captures the values by name; the same object must be given new values before the guard is checked again.
 * @param isTfjs whether a value is the module of tfjs.
 * @returns why they cannot be guarded, or what holds as long as they are the same.
 */
export function inspectCaptures(
  captures: Readonly<Record<string, unknown>>,
  trusted: TrustedClasses,
  isTfjs: (value: unknown) => boolean,
): ModelFacts | string {
  const owners: Fields[] = [];
  const keys: string[] = [];
  const values: unknown[] = [];
  const weights: TensorInfo[] = [];

  function add(owner: Fields, key: string, depth: number): string | undefined {
    const value = owner[key];
    owners.push(owner);
    keys.push(key);
    values.push(value);
    if (typeof value === 'function') return value.name.endsWith('__op') ? undefined : `${key} is a function`;
    if (!isObject(value)) return undefined;
    if (isTfjs(value)) return depth === 0 ? undefined : `${key} is tfjs inside of something`;
    if (isTensorLike(value)) {
      weights.push(value);
      return add(value, 'isDisposedInternal', depth);
    }
    const kind = modelKind(value);
    if (kind !== undefined && depth > 0) return `${key} is a model inside of something`;
    if (kind !== undefined) {
      const facts = kind === 'layers' ? inspectLayersModel(value, trusted) : inspectGraphModel(value);
      if (typeof facts === 'string') return `${key}: ${facts}`;
      weights.push(...facts.weights);
      owners.push(...facts.guard.owners);
      keys.push(...facts.guard.keys);
      values.push(...facts.guard.values);
      return undefined;
    }
    if (depth >= maxDepth || !(Array.isArray(value) || isPlainRecord(value))) {
      return `${key} is an object that can change unseen`;
    }
    if (Array.isArray(value)) void add(value, 'length', depth);
    for (const inner of Object.keys(value)) {
      const reason = add(value, inner, depth + 1);
      if (reason !== undefined) return reason;
    }
    return undefined;
  }

  for (const name of Object.keys(captures)) {
    const reason = add(captures, name, 0);
    if (reason !== undefined) return reason;
  }
  return { weights, guard: { owners, keys, values } };
}
