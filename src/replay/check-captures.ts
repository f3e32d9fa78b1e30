/**
 * Whether what a function's text does with the values around it keeps the promise that its result depends on them alone:
 * tfjs's ops may be called, models may be asked to predict, tensors, numbers, lists and records may be read.
 */
import type { OutsideUse } from './pure-function.ts';

/** Kinds of captured values, told by whoever knows tfjs. */
export type CaptureKind = 'tfjs' | 'op' | 'tensor' | 'model' | 'value' | 'other';

/** Functions of tfjs that are no ops but make tensors of what they are given, or bound their lives. */
const makers: ReadonlySet<string> = new Set([
  'tidy',
  'tensor',
  'tensor1d',
  'tensor2d',
  'tensor3d',
  'tensor4d',
  'tensor5d',
  'tensor6d',
  'scalar',
  'zeros',
  'ones',
  'fill',
  'range',
  'linspace',
  'complex',
]);

const modelMethods: ReadonlySet<string> = new Set(['predict', 'predictOnBatch', 'apply', 'execute']);

/** Methods of lists that leave the list as it is. */
const listMethods: ReadonlySet<string> = new Set([
  'at',
  'concat',
  'entries',
  'every',
  'filter',
  'find',
  'flat',
  'flatMap',
  'forEach',
  'includes',
  'indexOf',
  'join',
  'keys',
  'map',
  'reduce',
  'reduceRight',
  'slice',
  'some',
  'values',
]);

function follow(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (current, name) => (current as Record<string, unknown> | undefined)?.[name],
    value,
  );
}

/** tfjs marks its ops in their names. */
export function isOp(value: unknown): boolean {
  return typeof value === 'function' && value.name.endsWith('__op');
}

function checkUse(
  { name, path, isCalled }: OutsideUse,
  value: unknown,
  kind: CaptureKind,
): string | undefined {
  const words = [name, ...path].join('.');
  switch (kind) {
    case 'tfjs': {
      const target = follow(value, path);
      const isMaker = path.length === 1 && isCalled && makers.has(path[0]!);
      return isMaker || isOp(target) ? undefined : `it uses ${words}, which is no op`;
    }
    case 'model':
      return isCalled && path.length === 1 && modelMethods.has(path[0]!)
        ? undefined
        : `it uses ${words}, which may change the model`;
    case 'value': {
      if (!isCalled) return undefined;
      if (path.length === 0) return `it calls ${words}`;
      const owner = follow(value, path.slice(0, -1));
      return Array.isArray(owner) && !listMethods.has(path.at(-1)!) ? `it calls ${words}` : undefined;
    }
    case 'op':
    case 'tensor':
      return undefined;
    case 'other':
      return `it uses ${name}, whose contents can change unseen`;
    default:
      return kind satisfies never;
  }
}

/** @returns why the function cannot be replayed; `undefined` when all its uses are harmless. */
export function checkCaptures(
  uses: readonly OutsideUse[],
  captures: Readonly<Record<string, unknown>>,
  kindOf: (value: unknown) => CaptureKind,
): string | undefined {
  for (const use of uses) {
    if (!Object.hasOwn(captures, use.name)) {
      return `it uses ${use.name}, which captures() does not give`;
    }
    const value = captures[use.name];
    const reason = checkUse(use, value, kindOf(value));
    if (reason !== undefined) return reason;
  }
  return undefined;
}
