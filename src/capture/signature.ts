/**
 * Signatures: one kernel with given attributes and input types. A call that was seen before in this form is recognised
 * by integer hashing, verified exactly, so that shape inference runs once per signature and graphs compare as integers.
 */
import type { Attributes } from '../ir/graph.ts';
import type { OpSignature } from '../ir/op-signature.ts';
import { isAliasOfInput } from './alias-rules.ts';
import { copyAttributes, hashAttributes, sameAttributes } from './attributes.ts';
import type { KernelAttributes, TensorInfo } from './tf-module.ts';
import { dtypeCode, mix, sameShape, type InternedType, type TypeTable } from './type-table.ts';

/** A kernel name with what the op table knows of it. */
export interface KernelEntry {
  readonly id: number;
  readonly name: string;
  /** Absent: not in the op table. */
  readonly op: OpSignature | undefined;
}

export interface Signature {
  readonly id: number;
  readonly kernel: KernelEntry;
  readonly attributes: Attributes;
  /** Types as the call saw them, which after a reshape differ from those the memory was made with. */
  readonly inputTypes: readonly (InternedType | undefined)[];
  /** `undefined`: this form has to run eagerly. */
  readonly outputs: readonly InternedType[] | undefined;
  /** No result has elements. */
  readonly isEmpty: boolean;
  /** Of a call without inputs, signatures of the same kernel and result made before: many mean that an attribute carries data. */
  readonly siblings: number;
  /** Index of the input whose memory the result shares, else -1. */
  readonly aliasedInput: number;
  /** Where it was last seen, see {@link Trail}. */
  lastStep: number;
}

const hostOnly = (type: InternedType | undefined): boolean =>
  type !== undefined && (type.dtype === 'string' || type.dtype === 'complex64');

function matches(
  signature: Signature,
  infos: readonly (TensorInfo | undefined)[],
  attributes: KernelAttributes | undefined,
): boolean {
  const { inputTypes } = signature;
  if (inputTypes.length !== infos.length) return false;
  for (let index = 0; index < infos.length; index++) {
    const info = infos[index];
    const type = inputTypes[index];
    if (info === undefined || info === null || type === undefined) {
      if ((info ?? undefined) !== undefined || type !== undefined) return false;
    } else if (info.dtype !== type.dtype || !sameShape(info.shape, type.shape)) return false;
  }
  return sameAttributes(signature.attributes, attributes);
}

/** Steps after which the trail starts anew: longer than what any program repeats. */
const maxSteps = 65_536;

/**
 * Guesses the next call: programs repeat themselves. It walks along what was called when the last call was made before,
 * so that what follows the same call in different places (a training step multiplies in many) is told apart.
 */
class Trail {
  #steps: Signature[] = [];
  /** Where the last call stands, one repetition ago. */
  #position = -1;

  next(): Signature | undefined {
    return this.#steps[this.#position + 1];
  }

  /** @param isExpected whether {@link Trail.next} said so. */
  add(signature: Signature, isExpected: boolean): void {
    if (this.#steps.length === maxSteps) {
      this.#steps = [];
      this.#position = -1;
    }
    if (isExpected) this.#position++;
    else this.#position = this.#steps[signature.lastStep] === signature ? signature.lastStep : -1;
    signature.lastStep = this.#steps.length;
    this.#steps.push(signature);
  }
}

export class SignatureTable {
  readonly #types: TypeTable;
  readonly #trail = new Trail();
  readonly #kernels = new Map<string, KernelEntry>();
  readonly #byHash = new Map<number, Signature[]>();
  /** Signatures without inputs per hash of kernel and types. */
  readonly #sources = new Map<number, number>();
  #count = 0;

  constructor(types: TypeTable) {
    this.#types = types;
  }

  kernel(name: string, op: OpSignature | undefined): KernelEntry {
    let entry = this.#kernels.get(name);
    if (entry === undefined) this.#kernels.set(name, (entry = { id: this.#kernels.size, name, op }));
    return entry;
  }

  /**
   * The signature of a call of a kernel that is in the op table.
   * @returns `undefined` when a graph cannot hold the call's attributes.
   * @throws what eager's kernel would throw for these arguments.
   */
  find(
    kernel: KernelEntry,
    infos: readonly (TensorInfo | undefined)[],
    attributes: KernelAttributes | undefined,
  ): Signature | undefined {
    const expected = this.#trail.next();
    if (expected?.kernel === kernel && matches(expected, infos, attributes)) {
      this.#trail.add(expected, true);
      return expected;
    }
    const signature = this.#findByHash(kernel, infos, attributes);
    if (signature !== undefined) this.#trail.add(signature, false);
    return signature;
  }

  #findByHash(
    kernel: KernelEntry,
    infos: readonly (TensorInfo | undefined)[],
    attributes: KernelAttributes | undefined,
  ): Signature | undefined {
    let hash = kernel.id;
    for (let index = 0; index < infos.length; index++) {
      const info = infos[index];
      if (info === undefined || info === null) {
        hash = mix(hash, -1);
        continue;
      }
      const { shape } = info;
      hash = mix(hash, dtypeCode(info.dtype) + (shape.length << 4));
      for (let axis = 0; axis < shape.length; axis++) hash = mix(hash, shape[axis]!);
    }
    hash = hashAttributes(hash, attributes);
    let bucket = this.#byHash.get(hash);
    if (bucket !== undefined) {
      for (let index = 0; index < bucket.length; index++) {
        const signature = bucket[index]!;
        if (signature.kernel === kernel && matches(signature, infos, attributes)) return signature;
      }
    }
    const signature = this.#make(kernel, infos, attributes);
    if (signature === undefined) return undefined;
    if (bucket === undefined) this.#byHash.set(hash, (bucket = []));
    bucket.push(signature);
    return signature;
  }

  /** @returns how many there were. */
  #countSource(kernel: KernelEntry, outputs: readonly InternedType[]): number {
    let group = kernel.id;
    for (const type of outputs) group = mix(group, type.id);
    const count = this.#sources.get(group) ?? 0;
    this.#sources.set(group, count + 1);
    return count;
  }

  #make(
    kernel: KernelEntry,
    infos: readonly (TensorInfo | undefined)[],
    attributes: KernelAttributes | undefined,
  ): Signature | undefined {
    const copy = copyAttributes(attributes);
    if (copy === undefined) return undefined;
    const inputTypes = infos.map((info) => {
      const found = info ?? undefined;
      return found === undefined ? undefined : this.#types.intern(found.dtype, found.shape);
    });
    const inferred = inputTypes.some(hostOnly) ? undefined : kernel.op!.infer(inputTypes, copy);
    const outputs = inferred?.map((type) => this.#types.intern(type.dtype, type.shape));
    const siblings = infos.length === 0 ? this.#countSource(kernel, outputs ?? []) : 0;
    const isHeld = outputs !== undefined && !outputs.some(hostOnly) && !('seed' in copy);
    return {
      id: this.#count++,
      kernel,
      attributes: copy,
      inputTypes,
      outputs: isHeld ? outputs : undefined,
      isEmpty: outputs?.every((type) => type.size === 0) === true,
      siblings,
      aliasedInput: isHeld ? isAliasOfInput(kernel.op!, inputTypes, copy, outputs) : -1,
      lastStep: -1,
    };
  }
}
