/**
 * A set of pending nodes → what to run: dead nodes dropped, leaves and outputs found, and the whole as integers, so that
 * a graph that was run before is found without being built. Backwards for liveness, forwards for numbering.
 */
import type { LazyValue, PendingNode } from './pending.ts';
import { mix, type InternedType } from './type-table.ts';

export interface CutPlan {
  /** What has to run, in order. */
  readonly nodes: readonly PendingNode[];
  /** What arrives from outside, in order of first use. */
  readonly leaves: readonly LazyValue[];
  /**
   * Types under which leaves enter the graph: their own, or the one of their first use when that is another shape of the
   * same memory. No graph needs to reshape what arrives.
   */
  readonly leafTypes: readonly InternedType[];
  /** What has to be kept, in order of slots: results that nothing in the graph reads, state, values asked for. */
  readonly outputs: LazyValue[];
  /** Alive, but read inside the graph: the program may never ask for them. */
  readonly deferrable: readonly LazyValue[];
  /** Signatures, wiring and types of leaves: equal for graphs that differ in outputs and leaf contents at most. */
  readonly structure: Int32Array;
  readonly structureHash: number;
}

/** Stands for an optional input that is absent. Values count up from 0, leaves down from -1. */
const absentInput = 0x7fffffff;

/** Values up to this size are kept: less work than computing them again should they be asked for. */
const keptBytes = 16 * 1024;

let cutCount = 0;

export function isWanted(value: LazyValue): boolean {
  return value.isLive || value.pins > 0;
}

/**
 * Marks what is needed, last node first.
 * @param roots when given, only they and what they need; else all that the program can still ask for.
 */
function selectNodes(
  nodes: readonly PendingNode[],
  cut: number,
  roots: ReadonlySet<LazyValue> | undefined,
): { needed: PendingNode[]; outputs: LazyValue[]; deferrable: LazyValue[] } {
  const needed: PendingNode[] = [];
  const outputs: LazyValue[] = [];
  const deferrable: LazyValue[] = [];
  for (let index = nodes.length - 1; index >= 0; index--) {
    const node = nodes[index]!;
    let isNeeded = false;
    for (let output = node.outputs.length - 1; output >= 0; output--) {
      const value = node.outputs[output]!;
      // What was computed by other means is a leaf.
      if (value.node !== node) continue;
      const isRead = value.usedIn === cut;
      if (isRead) isNeeded = true;
      const isRequested = roots === undefined ? isWanted(value) : roots.has(value);
      if (!isRequested) continue;
      isNeeded = true;
      const isKept =
        !isRead ||
        roots !== undefined ||
        value.isState ||
        value.pins > 0 ||
        value.type.sizeBytes <= keptBytes;
      (isKept ? outputs : deferrable).push(value);
    }
    if (!isNeeded) continue;
    needed.push(node);
    for (const input of node.inputs) if (input !== undefined) input.usedIn = cut;
  }
  needed.reverse();
  outputs.reverse();
  deferrable.reverse();
  return { needed, outputs, deferrable };
}

/**
 * @param nodes pending nodes in order of recording, closed under "reads a pending value".
 * @param roots see above.
 */
export function planCut(nodes: readonly PendingNode[], roots?: ReadonlySet<LazyValue>): CutPlan {
  const cut = ++cutCount;
  const { needed, outputs, deferrable } = selectNodes(nodes, cut, roots);
  const leaves: LazyValue[] = [];
  const leafTypes: InternedType[] = [];
  const structure: number[] = [needed.length];
  let structureHash = needed.length;
  let slots = 0;
  for (const node of needed) {
    const { signature } = node;
    structure.push(signature.id);
    structureHash = mix(structureHash, signature.id);
    for (let index = 0; index < node.inputs.length; index++) {
      const input = node.inputs[index];
      let code = absentInput;
      if (input !== undefined) {
        if (input.slotIn !== cut) {
          const used = signature.inputTypes[index]!;
          leaves.push(input);
          leafTypes.push(used.dtype === input.type.dtype ? used : input.type);
          input.slotIn = cut;
          input.slot = -leaves.length;
        }
        code = input.slot;
      }
      structure.push(code);
      structureHash = mix(structureHash, code);
    }
    for (const value of node.outputs) {
      value.slotIn = cut;
      value.slot = slots++;
    }
  }
  for (const { id } of leafTypes) {
    structure.push(id);
    structureHash = mix(structureHash, id);
  }
  return {
    nodes: needed,
    leaves,
    leafTypes,
    outputs,
    deferrable,
    structure: new Int32Array(structure),
    structureHash,
  };
}

/** Kernels and wiring of a plan: equal for graphs of one family. Only asked for when the structure is new. */
export function wiringOf({ nodes, structure }: CutPlan): {
  readonly wiring: Int32Array;
  readonly hash: number;
} {
  const wiring: number[] = [];
  let hash = 0;
  // Of each node, the structure has the signature, then what its inputs read.
  let position = 1;
  for (const { signature, inputs } of nodes) {
    wiring.push(signature.kernel.id, inputs.length);
    hash = mix(hash, signature.kernel.id);
    for (const code of structure.subarray(position + 1, position + 1 + inputs.length)) {
      wiring.push(code);
      hash = mix(hash, code);
    }
    position += 1 + inputs.length;
  }
  return { wiring: new Int32Array(wiring), hash };
}

/** Slots of the outputs: with the structure, they tell graphs apart that keep different values. */
export function outputSlots(plan: CutPlan): Int32Array {
  const slots = new Int32Array(plan.outputs.length);
  for (let index = 0; index < slots.length; index++) slots[index] = plan.outputs[index]!.slot;
  return slots;
}

/** Bytes of leaves that only nodes hold on to: nobody else can ask for them. */
export function retainedBytes(plan: CutPlan): number {
  let sum = 0;
  for (const leaf of plan.leaves) if (!leaf.isLive) sum += leaf.type.sizeBytes;
  return sum;
}
