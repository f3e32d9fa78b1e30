/**
 * A graph as a list of closures over registers. Registers are assigned as a compiler assigns them: a value's register is
 * free for others behind its last use; views of a value share its register.
 */
import type { CallNode, Graph, ValueRef } from '../../ir/graph.ts';
import { refKey } from '../../ir/graph.ts';
import type { ConcreteType, OpTable } from '../../ir/op-signature.ts';
import { elementCount, keepsArray, type HostArray } from '../../ir/tensor-type.ts';
import { arrayMaker, type Closure, type NumericArray, type Operand } from './closure.ts';
import { isPlain, makeClosure } from './compile-call.ts';

export interface ClosureProgram {
  /**
   * @param leaves arrays of the graph's placeholders and constants, in graph order
   * @returns arrays of the outputs, the caller's own
   */
  run(leaves: readonly HostArray[]): HostArray[];
}

/** A value before registers are assigned: views are the value that they view. */
interface Value {
  readonly dtype: string;
  readonly size: number;
  /** Index of the call behind which nobody reads it. */
  lastUse: number;
  /** A leaf or an output: its register is its own. */
  isKept: boolean;
  register: number;
}

/** A view of a value has a shape of its own. */
interface View {
  readonly value: Value;
  readonly type: ConcreteType;
}

function operand({ value, type }: View): Operand {
  return { dtype: type.dtype, shape: type.shape, register: value.register, size: value.size };
}

/** A register may be this many times as long as what it holds. */
const slack = 4;

/** Registers behind those of the leaves. */
class RegisterFile {
  readonly made: { readonly dtype: string; readonly length: number }[] = [];
  readonly #free = new Map<string, number[]>();
  readonly #first: number;

  constructor(leafCount: number) {
    this.#first = leafCount;
  }

  #lengthOf(register: number): number {
    return this.made[register - this.#first]!.length;
  }

  /** The shortest free one that is long enough, else a new one. */
  take({ dtype, size, isKept }: Value): number {
    const free = isKept ? [] : (this.#free.get(dtype) ?? []);
    let best = -1;
    for (let index = 0; index < free.length; index++) {
      const length = this.#lengthOf(free[index]!);
      if (length < size || length > size * slack) continue;
      if (best < 0 || length < this.#lengthOf(free[best]!)) best = index;
      if (length === size) break;
    }
    if (best >= 0) return free.splice(best, 1)[0]!;
    this.made.push({ dtype, length: size });
    return this.#first + this.made.length - 1;
  }

  release({ dtype, isKept, register }: Value): void {
    if (isKept) return;
    const free = this.#free.get(dtype);
    if (free === undefined) this.#free.set(dtype, [register]);
    else free.push(register);
  }
}

interface Step {
  readonly node: CallNode;
  readonly inputs: readonly (View | undefined)[];
  readonly outputs: readonly View[];
}

/** Whether a result is in the array of the first input, which closures read whatever its type is. */
function isView(kernel: string, from: ConcreteType, to: ConcreteType, ops: OpTable): boolean {
  if (kernel === 'Cast') return keepsArray(from.dtype, to.dtype);
  return ops.get(kernel)?.isAlias === true && from.dtype === to.dtype;
}

/** Calls with their values, views resolved; `undefined` when a type is none of ours. */
function stepsOf(
  graph: Graph,
  ops: OpTable,
): { steps: Step[]; views: Map<string, View>; leaves: number } | undefined {
  const views = new Map<string, View>();
  const steps: Step[] = [];
  let leaves = 0;
  for (const node of graph.nodes) {
    const types = (node.kind === 'call' ? node.outputs : [node.type]) as readonly ConcreteType[];
    if (!types.every(isPlain)) return undefined;
    if (node.kind !== 'call') {
      const [type] = types as [ConcreteType];
      const size = elementCount(type.shape);
      const value = { dtype: type.dtype, size, lastUse: Infinity, isKept: true, register: leaves++ };
      views.set(node.name, { value, type });
      continue;
    }
    const inputs = node.inputs.map((ref) => (ref === undefined ? undefined : views.get(refKey(ref))!));
    const [first] = inputs;
    if (first !== undefined && isView(node.kernel, first.type, types[0]!, ops)) {
      views.set(node.name, { value: first.value, type: types[0]! });
      continue;
    }
    for (const input of inputs) if (input !== undefined) input.value.lastUse = steps.length;
    const outputs = types.map((type, output) => {
      const size = elementCount(type.shape);
      const value = { dtype: type.dtype, size, lastUse: steps.length, isKept: false, register: -1 };
      const view = { value, type };
      views.set(refKey({ node: node.name, output }), view);
      return view;
    });
    steps.push({ node, inputs, outputs });
  }
  return { steps, views, leaves };
}

function closureOf({ node, inputs, outputs }: Step, ops: OpTable): Closure | undefined {
  const call = {
    inputs: inputs.map((input) => input && operand(input)),
    outputs: outputs.map(operand),
    attributes: node.attributes,
  };
  return makeClosure(node.kernel, call, ops);
}

/** @returns `undefined` when a call has no form in JavaScript. */
export function compileClosures(graph: Graph, ops: OpTable): ClosureProgram | undefined {
  const found = stepsOf(graph, ops);
  if (found === undefined) return undefined;
  const { steps, views, leaves } = found;
  const given = graph.outputs.map((ref: ValueRef) => views.get(refKey(ref))!);
  // Nobody asks for a mere view.
  if (given.some(({ value, type }) => value.dtype !== type.dtype)) return undefined;
  const results = given.map(({ value }) => value);
  for (const value of results) value.isKept = true;
  const file = new RegisterFile(leaves);
  const closures: Closure[] = [];
  for (const [index, step] of steps.entries()) {
    for (const { value } of step.outputs) value.register = file.take(value);
    const closure = closureOf(step, ops);
    if (closure === undefined) return undefined;
    closures.push(closure);
    for (const view of [...step.inputs, ...step.outputs]) {
      if (view?.value.lastUse !== index) continue;
      file.release(view.value);
      // An input that is given twice.
      view.value.lastUse = Infinity;
    }
  }
  return createProgram(closures, leaves, file.made, results);
}

/** Elements up to which a program runs in arrays that are kept; results are made anew in any case. */
const scratchLimit = 2 ** 16;

/**
 * Arrays for registers by dtype and power of two. All programs share them: no two run at a time, and none relies on what
 * it finds. So there is never more of them than one program of `scratchLimit` may need of each length.
 */
const scratch = new Map<string, NumericArray[]>();

/** @param nth different numbers for the registers of one program that have the same key */
function scratchArray(dtype: string, key: string, size: number, nth: number): NumericArray {
  let arrays = scratch.get(key);
  if (arrays === undefined) scratch.set(key, (arrays = []));
  return (arrays[nth] ??= arrayMaker(dtype)!(size));
}

/** Per register, the kept array that it always has; undefined for those that are made in each run. */
function keptArrays(
  made: RegisterFile['made'],
  isOwned: (register: number) => boolean,
): (NumericArray | undefined)[] {
  const total = made.reduce((sum, { length }) => sum + length, 0);
  const counts = new Map<string, number>();
  return made.map(({ dtype, length }, index) => {
    if (isOwned(index) || total > scratchLimit) return undefined;
    const size = 2 ** Math.ceil(Math.log2(length));
    const key = `${dtype} ${size}`;
    const nth = counts.get(key) ?? 0;
    counts.set(key, nth + 1);
    return scratchArray(dtype, key, size, nth);
  });
}

function createProgram(
  closures: readonly Closure[],
  leafCount: number,
  made: RegisterFile['made'],
  results: readonly Value[],
): ClosureProgram {
  const owned = new Set(results.map(({ register }) => register));
  const kept = keptArrays(made, (index) => owned.has(leafCount + index));
  const registers = made.map(({ dtype, length }, index) => {
    const make = arrayMaker(dtype)!;
    return { array: kept[index], make, length };
  });
  return {
    run(leaves) {
      const values = leaves.slice() as NumericArray[];
      for (const { array, make, length } of registers) values.push(array ?? make(length));
      for (const closure of closures) closure(values);
      const given = new Set<number>();
      return results.map(({ register }) => {
        const isShared = register < leafCount || given.has(register);
        given.add(register);
        return isShared ? values[register]!.slice() : values[register]!;
      });
    },
  };
}
