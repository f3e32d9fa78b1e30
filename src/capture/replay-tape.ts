/**
 * What one traced call of a model recorded, as a template that can be recorded again without running the model's code:
 * kernel calls, constants, what came from outside, and what was given back. A call qualifies when nothing else came of
 * it: no value was read, no state changed, nothing that it made stayed alive but its results.
 */
import { sameContents, type HostArray } from '../ir/tensor-type.ts';
import type { LazyValue } from './pending.ts';
import type { Signature } from './signature.ts';
import type { TensorInfo } from './tf-module.ts';
import type { InternedType } from './type-table.ts';

/** A value of the template: those it makes count up from 0, those from outside down from -1. */
export type TemplateSlot = number;

export const absentSlot: TemplateSlot = 0x7fffffff;

export type TemplateStep =
  | { readonly kind: 'call'; readonly signature: Signature; readonly inputs: readonly TemplateSlot[] }
  | { readonly kind: 'constant'; readonly type: InternedType; readonly host: HostArray };

/** Where a value from outside is found at the next call. */
export type OutsideSource =
  | { readonly kind: 'input'; readonly index: number }
  /** A weight: whatever its tensor or variable holds then. */
  | { readonly kind: 'weight'; readonly holder: TensorInfo };

export interface TemplateResult {
  readonly slot: TemplateSlot;
  readonly shape: readonly number[];
  readonly dtype: TensorInfo['dtype'];
}

export interface Template {
  readonly steps: readonly TemplateStep[];
  readonly outside: readonly OutsideSource[];
  /** Tensors that the call gave back, in order. */
  readonly results: readonly TemplateResult[];
  /** Kernel calls of the traced call; of them, those that shared memory and those that became constants. */
  readonly kernelCalls: number;
  readonly aliased: number;
  readonly folded: number;
}

/** What the call looked like from outside. */
export interface TracedCall {
  readonly inputs: readonly LazyValue[];
  readonly weights: ReadonlyMap<LazyValue, TensorInfo>;
  readonly results: readonly { readonly info: TensorInfo; readonly value: LazyValue }[];
}

/** Listens to one call of a model. */
export class ReplayTape {
  /** Why the call cannot be replayed; the first reason stays. */
  failure: string | undefined;
  kernelCalls = 0;
  aliased = 0;
  folded = 0;
  readonly #steps: TemplateStep[] = [];
  readonly #outside: LazyValue[] = [];
  readonly #slots = new Map<LazyValue, TemplateSlot>();
  readonly #made: LazyValue[] = [];
  /** Values whose contents follow from attributes and constants alone. */
  readonly #known = new Set<LazyValue>();
  /** Reference counts of values from outside when they were first touched. */
  readonly #counts = new Map<LazyValue, number>();

  fail(reason: string): void {
    this.failure ??= reason;
  }

  #slotOf(value: LazyValue | undefined): TemplateSlot {
    if (value === undefined) return absentSlot;
    const known = this.#slots.get(value);
    if (known !== undefined) return known;
    this.#outside.push(value);
    const slot = -this.#outside.length;
    this.#slots.set(value, slot);
    return slot;
  }

  #make(value: LazyValue): void {
    this.#slots.set(value, this.#made.length);
    this.#made.push(value);
  }

  /** The reference count of a value is about to change. */
  touch(value: LazyValue): void {
    if ((this.#slots.get(value) ?? -1) < 0 && !this.#counts.has(value))
      this.#counts.set(value, value.refCount);
  }

  /** Values that model code wrote. */
  constant(value: LazyValue): void {
    if (value.host === undefined) return this.fail('a complex or empty value was made');
    this.#make(value);
    this.#known.add(value);
    this.#steps.push({ kind: 'constant', type: value.type, host: value.host });
  }

  /** A call that became a pending node, or was computed while recording. */
  call(
    signature: Signature,
    inputs: readonly (LazyValue | undefined)[],
    results: readonly LazyValue[],
    isFolded: boolean,
  ): void {
    if (isFolded && inputs.every((input) => input === undefined || this.#known.has(input))) {
      this.folded++;
      for (const result of results) this.constant(result);
      return;
    }
    this.#steps.push({ kind: 'call', signature, inputs: inputs.map((input) => this.#slotOf(input)) });
    for (const result of results) this.#make(result);
  }

  /** Model code looks at a value: it may do something else the next time, unless the value is the same every time. */
  read(value: LazyValue): void {
    if (!this.#known.has(value)) this.fail('it reads a value');
  }

  /** @returns `undefined` when the call does not qualify; {@link failure} says why. */
  finish({ inputs, weights, results }: TracedCall): Template | undefined {
    if (new Set(inputs).size < inputs.length || inputs.some((input) => weights.has(input))) {
      this.fail('one value comes in twice');
    }
    const outside = this.#outside.map((value): OutsideSource | undefined => {
      const index = inputs.indexOf(value);
      if (index >= 0) return { kind: 'input', index };
      const holder = weights.get(value);
      return holder === undefined ? undefined : { kind: 'weight', holder };
    });
    if (outside.includes(undefined)) this.fail('it uses a tensor that is neither input nor weight');
    const given = new Map<LazyValue, number>();
    const templateResults = results.map(({ info, value }): TemplateResult => {
      given.set(value, (given.get(value) ?? 0) + 1);
      const slot = this.#slots.get(value);
      if (slot === undefined) this.fail('it gives back a value it did not make');
      else if (slot < 0 && inputs.indexOf(value) < 0) this.fail('it gives back a weight');
      return { slot: slot ?? absentSlot, shape: [...info.shape], dtype: info.dtype };
    });
    for (const value of this.#made) {
      if (value.isLive && value.refCount !== (given.get(value) ?? 0)) this.fail('it keeps a tensor alive');
    }
    for (const [value, count] of this.#counts) {
      if (this.#slots.get(value) !== undefined && this.#slots.get(value)! >= 0) continue;
      if (value.refCount !== count + (given.get(value) ?? 0))
        this.fail('it lets go of a tensor it was given');
    }
    if (this.failure !== undefined) return undefined;
    const { kernelCalls, aliased, folded } = this;
    return {
      steps: this.#steps,
      outside: outside as OutsideSource[],
      results: templateResults,
      kernelCalls,
      aliased,
      folded,
    };
  }
}

function sameNumbers(left: readonly number[], right: readonly number[]): boolean {
  return left.length === right.length && left.every((value, index) => value === right[index]);
}

function sameStep(left: TemplateStep, right: TemplateStep): boolean {
  if (left.kind === 'call') {
    return (
      right.kind === 'call' && left.signature === right.signature && sameNumbers(left.inputs, right.inputs)
    );
  }
  return right.kind === 'constant' && left.type === right.type && sameContents(left.host, right.host);
}

function sameSource(left: OutsideSource, right: OutsideSource): boolean {
  return left.kind === 'input'
    ? right.kind === 'input' && left.index === right.index
    : right.kind === 'weight' && left.holder === right.holder;
}

/** Whether two calls recorded the same. */
export function sameTemplate(left: Template, right: Template): boolean {
  return (
    left.steps.length === right.steps.length &&
    left.outside.length === right.outside.length &&
    left.results.length === right.results.length &&
    left.outside.every((source, index) => sameSource(source, right.outside[index]!)) &&
    left.results.every((result, index) => {
      const other = right.results[index]!;
      return (
        result.slot === other.slot && result.dtype === other.dtype && sameNumbers(result.shape, other.shape)
      );
    }) &&
    left.steps.every((step, index) => sameStep(step, right.steps[index]!))
  );
}
