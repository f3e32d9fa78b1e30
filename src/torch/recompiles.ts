/**
 * Recompiles of one process in terms of what changed. Torch names the first guard that failed per cache entry; here
 * the inputs and the whole guard tables of the new compilation and of the closest earlier one are compared, so that
 * every difference shows, and the history of a function shows which value keeps growing.
 */
import type { GuardDifference, GuardKind } from '../ir/guard.ts';
import type { Dim } from '../ir/tensor-type.ts';
import { formatCodeId, formatCompileId } from './compile-id.ts';
import {
  compareGuards,
  guardedValue,
  shortenSource,
  type FactDifference,
  type Interner,
} from './guard-tree.ts';
import type { Compilation, InputFact } from './model.ts';
import { isFrame, isLimitHit } from './outcome.ts';
import type { FailureCause, RecompileReason } from './recompile-reason.ts';

/** One fact that differs from the closest cached entry. */
export interface Change extends GuardDifference {
  readonly cause: FailureCause;
  /** Without the axis: `x`, `self.mode`. */
  readonly subject: string;
  readonly axis?: number;
  /** Torch itself named it as a guard that failed. */
  readonly isNamed: boolean;
}

export interface Recompile {
  readonly compile: Compilation;
  /** The earlier compilation with the fewest differences; absent when the log has none. */
  readonly closest: Compilation | undefined;
  readonly changes: readonly Change[];
  readonly isLimit: boolean;
}

/** All compilations of one code object between two resets, and its recompiles. */
export interface Family {
  /** `4`, `!0/4`, `4#2` after a reset. */
  readonly key: string;
  readonly compilations: readonly Compilation[];
  readonly recompiles: readonly Recompile[];
}

const kinds: Readonly<Record<FailureCause, GuardKind>> = {
  size: 'shape',
  rank: 'shape',
  range: 'shape',
  stride: 'stride',
  dtype: 'dtype',
  device: 'backend',
  'dispatch keys': 'other',
  requires_grad: 'attribute',
  value: 'constant',
  length: 'structure',
  contains: 'structure',
  identity: 'constant',
  type: 'structure',
  aliasing: 'structure',
  'global state': 'other',
  invalidated: 'other',
  limit: 'other',
  unknown: 'other',
};

const torchDtypes: Readonly<Record<string, string>> = {
  Float: 'float32',
  Double: 'float64',
  Half: 'float16',
  BFloat16: 'bfloat16',
  Long: 'int64',
  Int: 'int32',
  Short: 'int16',
  Char: 'int8',
  Byte: 'uint8',
  Bool: 'bool',
  ComplexFloat: 'complex64',
  ComplexDouble: 'complex128',
};

function change(
  cause: FailureCause,
  subject: string,
  expected: string,
  actual: string,
  axis?: number,
): Change {
  const what =
    cause === 'size' && axis !== undefined
      ? `${subject}.shape[${axis}]`
      : cause === 'stride' && axis !== undefined
        ? `${subject}.stride(${axis})`
        : ['size', 'stride', 'dtype', 'rank', 'device', 'requires_grad', 'type', 'dispatch keys'].includes(
              cause,
            )
          ? `${subject} ${cause}`
          : subject;
  return {
    kind: kinds[cause],
    cause,
    subject,
    what,
    expected,
    actual,
    isNamed: false,
    ...(axis === undefined ? {} : { axis }),
  };
}

function dimChanges(
  cause: 'size' | 'stride',
  subject: string,
  before: readonly Dim[],
  after: readonly Dim[],
): Change[] {
  return after.flatMap((dim, axis) =>
    dim === before[axis] ? [] : [change(cause, subject, String(before[axis]), String(dim), axis)],
  );
}

/** Strides of a contiguous tensor follow from its sizes: only other strides are news. */
function isContiguous(input: InputFact): boolean {
  let expected = 1;
  for (let axis = input.size.length - 1; axis >= 0; axis--) {
    const size = input.size[axis];
    if (typeof size !== 'number') return false;
    if (size > 1 && input.stride[axis] !== expected) return false;
    expected *= size;
  }
  return true;
}

function inputChanges(before: InputFact, after: InputFact): Change[] {
  const subject = shortenSource(after.source);
  const changes: Change[] = [];
  if (before.dtype !== after.dtype) changes.push(change('dtype', subject, before.dtype, after.dtype));
  if (before.device !== after.device) changes.push(change('device', subject, before.device, after.device));
  if (before.requiresGrad !== after.requiresGrad) {
    changes.push(change('requires_grad', subject, String(before.requiresGrad), String(after.requiresGrad)));
  }
  if (before.size.length !== after.size.length) {
    changes.push(change('rank', subject, `[${before.size.join(', ')}]`, `[${after.size.join(', ')}]`));
    return changes;
  }
  changes.push(...dimChanges('size', subject, before.size, after.size));
  if (!(isContiguous(before) && isContiguous(after))) {
    changes.push(...dimChanges('stride', subject, before.stride, after.stride));
  }
  return changes;
}

/** Facts about tensors are compared by their descriptions; of those the guards' are the same again. */
const tensorAspects: ReadonlySet<string> = new Set(['dtype', 'size', 'stride', 'device', 'requires_grad']);

function factChange(fact: FactDifference): Change[] {
  if (tensorAspects.has(fact.aspect)) return [];
  const name =
    fact.aspect === 'identity' ? (id: string): string => `object ${id}` : (text: string): string => text;
  return [change(fact.aspect, fact.subject, name(fact.expected), name(fact.actual))];
}

/** Torch's marks for facts that are dynamic already. */
const dynamicMark = /AutoDynamic|AutoUnset|InferStride|token/;

function dynamicChange(entry: Compilation['dynamicChanges'][number]): Change[] {
  if (dynamicMark.test(entry.before) || dynamicMark.test(entry.after)) return [];
  const axis = /^\d+$/.test(entry.dimension) ? Number(entry.dimension) : undefined;
  const cause = /stride/.test(entry.what) ? 'stride' : /scalar/.test(entry.what) ? 'value' : 'size';
  return [change(cause, shortenSource(entry.source), entry.before, entry.after, axis)];
}

/** Torch names dtypes of failed guards in C++ words. */
function readable(cause: FailureCause, text: string | undefined): string | undefined {
  return text !== undefined && cause === 'dtype' ? (torchDtypes[text] ?? text) : text;
}

/** What arrived instead, where torch's words leave it out. */
function unsaidValue(reason: RecompileReason, compile: Compilation): string {
  if (reason.cause === 'global state') return 'changed';
  if (reason.cause === 'identity') return 'another object';
  if (reason.cause === 'requires_grad') return reason.expected === '0' ? 'true' : 'false';
  if (reason.cause !== 'range') return 'another value';
  const sizes = [...compile.inputs.values()].flatMap((input) => {
    const subject = shortenSource(input.source);
    return input.size.flatMap((dim, axis) =>
      reason.guard.includes(`${subject}.size()[${axis}]`) ? [`${subject}.shape[${axis}] = ${dim}`] : [],
    );
  });
  return sizes.length > 0 ? sizes.join(', ') : 'false';
}

/** A change in torch's own words. `isVague`: they say what was expected, but not what came. */
function reasonChange(reason: RecompileReason, compile: Compilation): Change & { readonly isVague: boolean } {
  const { cause } = reason;
  const subject = reason.subject === '' ? 'a guard that torch does not name' : reason.subject;
  const expected = readable(cause, reason.expected) ?? (cause === 'global state' ? 'as before' : 'true');
  const actual = readable(cause, reason.actual);
  const shown =
    cause === 'identity'
      ? `object ${expected}`
      : cause === 'requires_grad'
        ? String(expected !== '0')
        : expected;
  const made = change(cause, subject, shown, actual ?? unsaidValue(reason, compile), reason.axis);
  return { ...made, isNamed: true, isVague: actual === undefined };
}

function changeKey(item: Change): string {
  return `${item.cause}\0${item.subject}\0${item.axis ?? ''}`;
}

/** What torch named, with the values that comparison found where torch left them out; then what it did not name. */
function mergeChanges(
  named: readonly (Change & { readonly isVague?: boolean })[],
  found: readonly Change[],
): Change[] {
  const rest = new Map(found.map((item) => [changeKey(item), item]));
  const merged = named.map(({ isVague = false, ...item }): Change => {
    const better = rest.get(changeKey(item));
    rest.delete(changeKey(item));
    return better === undefined || !isVague ? item : { ...better, isNamed: item.isNamed };
  });
  return [...merged, ...rest.values()];
}

/** Whether the entry takes any number here: its guard has `None` in this place of `size=[None, 8]`. */
function isDynamicIn(entry: Compilation, item: Change, interner: Interner): boolean {
  if (entry.guards === undefined || item.axis === undefined) return false;
  if (item.cause !== 'size' && item.cause !== 'stride') return false;
  const value = guardedValue(entry.guards, item.cause, item.subject, interner);
  const guarded = value?.slice(1, -1).split(',');
  return guarded?.[item.axis]?.trim() === 'None';
}

function changesFrom(entry: Compilation, compile: Compilation, interner: Interner): Change[] {
  const found: Change[] = [];
  for (const [source, after] of compile.inputs) {
    const before = entry.inputs.get(source);
    if (before === undefined || after.isParameter) continue;
    found.push(...inputChanges(before, after).filter((item) => !isDynamicIn(entry, item, interner)));
  }
  if (entry.guards !== undefined && compile.guards !== undefined) {
    found.push(...compareGuards(entry.guards, compile.guards, interner).flatMap(factChange));
  }
  return found;
}

/** Entries that a recompile is compared with: the newest are the closest, and caches can hold thousands. */
const maxCandidates = 16;

function analyse(compile: Compilation, earlier: readonly Compilation[], interner: Interner): Recompile {
  const reasons = compile.recompileReasons;
  const reasonsOf = (entry: Compilation): RecompileReason[] =>
    reasons.filter((reason) => reason.entry === formatCompileId(entry.id));
  const named = earlier.filter((entry) => reasonsOf(entry).length > 0);
  const newest = (named.length > 0 ? named : earlier).slice(-maxCandidates);
  const candidates = newest.map((entry) => {
    const words = reasonsOf(entry).map((reason) => reasonChange(reason, compile));
    const found = changesFrom(entry, compile, interner);
    const vague = new Set(words.filter((item) => item.isVague).map(changeKey));
    for (const item of found) vague.delete(changeKey(item));
    const noticed = compile.dynamicChanges
      .flatMap(dynamicChange)
      .filter((item) => vague.has(changeKey(item)));
    return { entry, changes: mergeChanges(words, [...found, ...noticed]) };
  });
  candidates.sort(
    (left, right) => left.changes.length - right.changes.length || right.entry.order - left.entry.order,
  );
  const best = candidates[0];
  const all = best?.changes ?? reasons.map((reason) => reasonChange(reason, compile));
  const words = compile.metrics?.recompileReason ?? 'a guard that torch does not name';
  return {
    compile,
    closest: best?.entry,
    changes: all.length > 0 ? all : [{ ...change('unknown', words, 'true', 'false'), isNamed: true }],
    isLimit: isLimitHit(compile),
  };
}

interface OpenFamily {
  readonly key: string;
  readonly resets: number;
  readonly compilations: Compilation[];
  readonly recompiles: Recompile[];
}

/** Functions of a process in order of their first compilation, each with its recompiles. */
export function familiesOf(compilations: readonly Compilation[], interner: Interner): Family[] {
  const open = new Map<string, OpenFamily>();
  const all: Family[] = [];
  for (const compile of compilations) {
    if (!isFrame(compile)) continue;
    const code = formatCodeId(compile.id);
    const { frameCompile } = compile.id;
    let family = open.get(code);
    // The same id again: torch was reset, and its cache with it.
    if (family === undefined || family.compilations.some((other) => other.id.frameCompile === frameCompile)) {
      const resets = family === undefined ? 0 : family.resets + 1;
      const key = resets === 0 ? code : `${code}#${resets + 1}`;
      family = { key, resets, compilations: [], recompiles: [] };
      open.set(code, family);
      all.push(family);
    }
    if ((frameCompile ?? 0) > 0) family.recompiles.push(analyse(compile, family.compilations, interner));
    family.compilations.push(compile);
  }
  return all;
}
