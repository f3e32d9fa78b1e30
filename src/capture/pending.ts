/**
 * What was recorded and not yet run: values, the nodes that will compute them, and components, the sets of pending nodes
 * that share data (union-find), so that a read runs what it is connected with and leaves other work alone.
 */
import type { HostArray } from '../ir/tensor-type.ts';
import type { Signature } from './signature.ts';
import type { TensorInfo } from './tf-module.ts';
import type { InternedType } from './type-table.ts';

/** Computes a value that is not in host memory. */
export type Materialize = (value: LazyValue) => HostArray;

/**
 * The memory of one dataId, known or to be computed. Its contents never change (SSA): an assigned variable gets another
 * value. Has the fields that tfjs's cpu kernels use (`values`, `dtype`, `refCount`, `complexTensorInfos`).
 */
export class LazyValue {
  /** Unique over the process: stands for the contents where holding the value would keep its memory. */
  readonly id: number;
  /** Type at creation; aliases may use the same memory under another shape or dtype. */
  readonly type: InternedType;
  refCount = 1;
  /** Host memory, never written to again once other code has seen it. */
  host: HostArray | undefined;
  /** Computes it: pending, or already run when the value was left out as nobody had asked for it (deferred). */
  node: PendingNode | undefined;
  readonly output: number;
  complexTensorInfos: { readonly real: TensorInfo; readonly imag: TensorInfo } | undefined = undefined;
  /** In the table of a backend: the program can still ask for it. */
  isLive = true;
  /** Held by a tf.Variable at some time. */
  isState = false;
  /** Written by the program, not computed: perhaps a number in its text. */
  isHostWritten = false;
  /** Compiled into an executable as a constant. */
  isFrozen = false;
  /** Left out of a graph that computed it on the way: whom to teach when it is asked for, and its slot there. */
  deferral: { readonly learnedSlots: Set<number>; readonly slot: number } | undefined = undefined;
  /**
   * The array that reads handed to the program. In eager it is the tensor's memory, which programs write into; here it
   * is a copy that later uses are compared with. Weak from the first use on: a weak reference to what is read and
   * disposed in a loop would keep it until the loop ends.
   */
  exposed: Float32Array | Int32Array | WeakRef<Float32Array | Int32Array> | undefined = undefined;
  /** Reads under way that must find it even after its tensor was disposed. */
  pins = 0;
  /** Sequence of the last node that reads it. */
  lastReader = 0;
  /** Scratch of planning: the last cut in which a node reads it, in which it has a slot, and that slot. */
  usedIn = 0;
  slotIn = 0;
  slot = 0;
  readonly materialize: Materialize;

  constructor(
    id: number,
    type: InternedType,
    materialize: Materialize,
    host: HostArray | undefined,
    node: PendingNode | undefined,
    output: number,
  ) {
    this.id = id;
    this.type = type;
    this.materialize = materialize;
    this.host = host;
    this.node = node;
    this.output = output;
  }

  get dtype(): string {
    return this.type.dtype;
  }

  /** The numbers, computed now if need be. Not a copy. A complex value has none of its own. */
  get values(): HostArray | undefined {
    if (this.host !== undefined) return this.host;
    return this.node === undefined ? undefined : this.materialize(this);
  }

  set values(values: HostArray | undefined) {
    this.host = values;
    this.node = undefined;
  }
}

/** One recorded kernel call. */
export class PendingNode {
  /** Order of recording. */
  readonly sequence: number;
  readonly signature: Signature;
  readonly inputs: readonly (LazyValue | undefined)[];
  outputs: readonly LazyValue[] = [];
  /** Absent once it has run. */
  component: Component | undefined;
  /** Id of the stack where the program made the call, when stacks are taken. */
  readonly stack: number | undefined;
  isNeeded = false;

  constructor(
    sequence: number,
    signature: Signature,
    inputs: readonly (LazyValue | undefined)[],
    component: Component,
    stack: number | undefined,
  ) {
    this.sequence = sequence;
    this.signature = signature;
    this.inputs = inputs;
    this.component = component;
    this.stack = stack;
  }
}

/** A set of pending nodes. Use {@link findComponent}: sets merge. */
export class Component {
  parent: Component | undefined = undefined;
  nodes: PendingNode[] = [];
  isOrdered = true;
  /** Number of the break before which it last grew. */
  epoch = 0;
  /** Sequence of its youngest node. */
  youngest = 0;
}

/** The set that this one has become part of. */
export function findComponent(component: Component): Component {
  let root = component;
  while (root.parent !== undefined) root = root.parent;
  let current = component;
  while (current.parent !== undefined) {
    const next: Component = current.parent;
    current.parent = root;
    current = next;
  }
  return root;
}

/** Merges two sets; returns what is now the set of both. */
export function mergeComponents(left: Component, right: Component): Component {
  if (left === right) return left;
  const [large, small] = left.nodes.length >= right.nodes.length ? [left, right] : [right, left];
  const lastOfLarge = large.nodes.at(-1);
  const firstOfSmall = small.nodes[0];
  if (lastOfLarge !== undefined && firstOfSmall !== undefined) {
    if (!small.isOrdered || lastOfLarge.sequence > firstOfSmall.sequence) large.isOrdered = false;
  }
  for (const node of small.nodes) large.nodes.push(node);
  large.epoch = Math.max(large.epoch, small.epoch);
  large.youngest = Math.max(large.youngest, small.youngest);
  small.nodes = [];
  small.parent = large;
  return large;
}

/** The nodes of a set in the order they were recorded in. */
export function orderedNodes(component: Component): PendingNode[] {
  if (!component.isOrdered) {
    component.nodes = orderNodes(component.nodes);
    component.isOrdered = true;
  }
  return component.nodes;
}

/** Nodes by sequence. What was recorded together is dense, so that each node's place is known. */
export function orderNodes(nodes: PendingNode[]): PendingNode[] {
  if (nodes.length < 2) return nodes;
  let first = Infinity;
  let last = 0;
  for (const { sequence } of nodes) {
    if (sequence < first) first = sequence;
    if (sequence > last) last = sequence;
  }
  if (last - first > 4 * nodes.length) return nodes.sort((left, right) => left.sequence - right.sequence);
  /** By sequence, 1 + index of the node. */
  const places = new Int32Array(last - first + 1);
  for (let index = 0; index < nodes.length; index++) places[nodes[index]!.sequence - first] = index + 1;
  const ordered: PendingNode[] = [];
  for (const place of places) if (place > 0) ordered.push(nodes[place - 1]!);
  return ordered;
}
