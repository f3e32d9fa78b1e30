/**
 * Layout assignment: transposes move towards the outputs until they cancel or are really needed. Every Transpose
 * becomes a note that a value *is* another one with its axes permuted; operators that do not care compute on the
 * other one and pass the note on; the rest, and the segment's outputs, get a Transpose where the note is due. Lowerings
 * write convolutions between transposes; this leaves about one per convolution when weights are inputs, where
 * onnxruntime's own optimizer leaves most. After the transpose sinking of layout passes in onnxruntime and TVM.
 */
import type { OnnxValue } from '../ops/define-op.ts';
import type { LoweredConstant, LoweredNode, Segment } from '../segment.ts';
import { compose, invert, isIdentity, keepsOrder, type Permutation } from './permutation.ts';
import { broadcastOperators, factsOf, unaryOperators, type SegmentFacts } from './segment-facts.ts';

const reductions: ReadonlySet<string> = new Set(
  'ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare ReduceL2'.split(' '),
);

function isElementwise(node: LoweredNode): boolean {
  return unaryOperators.has(node.op) || broadcastOperators.has(node.op);
}

/** Whether the axes of a value are read by position, seen through operators that do not care. */
interface Wish {
  /** Some reader needs the axes as they are. */
  plain: boolean;
  /** Some reader is a Transpose. */
  moved: boolean;
}

function wishesOf(segment: Segment): ReadonlyMap<OnnxValue, Wish> {
  const wishes = new Map<OnnxValue, Wish>();
  const wishOf = (value: OnnxValue): Wish => {
    const known = wishes.get(value);
    if (known !== undefined) return known;
    const wish = { plain: false, moved: false };
    wishes.set(value, wish);
    return wish;
  };
  for (const output of segment.outputs) wishOf(output.name).plain = true;
  for (const node of segment.nodes.toReversed()) {
    const result = wishOf(node.outputs[0]!);
    const passesOn = isElementwise(node) || node.op === 'Concat';
    for (const input of node.inputs) {
      const wish = wishOf(input);
      if (node.op === 'Transpose') wish.moved = true;
      else if (passesOn) {
        wish.plain ||= result.plain;
        wish.moved ||= result.moved;
      } else if (!reductions.has(node.op)) wish.plain = true;
    }
  }
  return wishes;
}

/** `value` is `source` with its axes permuted. */
interface Note {
  readonly source: OnnxValue;
  readonly perm: Permutation;
}

/** How one input takes part when an elementwise operator computes on permuted axes. */
type Operand =
  | { readonly kind: 'as-is'; readonly value: OnnxValue }
  | { readonly kind: 'reshape'; readonly dims: readonly number[] }
  | { readonly kind: 'transpose' };

class Sinking {
  readonly #facts: SegmentFacts;
  readonly #wishes: ReadonlyMap<OnnxValue, Wish>;
  readonly #notes = new Map<OnnxValue, Note>();
  /** Values that turned out to be others. */
  readonly #aliases = new Map<OnnxValue, OnnxValue>();
  /** Values that were written with these axes, by source and permutation. */
  readonly #written = new Map<string, OnnxValue>();
  readonly #nodes: LoweredNode[] = [];
  readonly #constants: LoweredConstant[] = [];

  constructor(segment: Segment) {
    this.#facts = factsOf(segment);
    this.#wishes = wishesOf(segment);
  }

  run(segment: Segment): Segment {
    for (const node of segment.nodes) this.#visit(node);
    for (const { name } of segment.outputs) this.#writeOutput(name);
    return { ...segment, nodes: this.#nodes, constants: [...segment.constants, ...this.#constants] };
  }

  #visit(node: LoweredNode): void {
    const isDone =
      node.op === 'Transpose'
        ? this.#noteTranspose(node)
        : isElementwise(node)
          ? this.#sinkElementwise(node)
          : reductions.has(node.op)
            ? this.#sinkReduction(node)
            : node.op === 'Concat'
              ? this.#sinkConcat(node)
              : node.op === 'Pad' && this.#sinkPad(node);
    if (isDone) return;
    this.#nodes.push({ ...node, inputs: node.inputs.map((input) => this.#plain(input)) });
  }

  #resolve(value: OnnxValue): OnnxValue {
    return this.#aliases.get(value) ?? value;
  }

  #noteOf(value: OnnxValue): Note | undefined {
    return this.#notes.get(this.#resolve(value));
  }

  #keyOf(source: OnnxValue, perm: Permutation): string {
    return `${source}|${perm.join()}`;
  }

  #isWritten(note: Note): boolean {
    return this.#written.has(this.#keyOf(note.source, note.perm));
  }

  /** Writes a Transpose unless the value exists. */
  #write(source: OnnxValue, perm: Permutation, name: OnnxValue): OnnxValue {
    const key = this.#keyOf(source, perm);
    const known = this.#written.get(key);
    if (known !== undefined) return known;
    this.#nodes.push({
      op: 'Transpose',
      name: `${name}/axes`,
      inputs: [source],
      outputs: [name],
      attributes: { perm },
    });
    this.#written.set(key, name);
    return name;
  }

  /** The value with its own axes. */
  #plain(value: OnnxValue): OnnxValue {
    const resolved = this.#resolve(value);
    const note = this.#notes.get(resolved);
    if (note === undefined) return resolved;
    const written = this.#write(note.source, note.perm, resolved);
    if (written !== resolved) this.#aliases.set(resolved, written);
    return written;
  }

  #writeOutput(name: OnnxValue): void {
    const plain = this.#plain(name);
    if (plain === name) return;
    this.#nodes.push({
      op: 'Identity',
      name: `${name}/Identity`,
      inputs: [plain],
      outputs: [name],
      attributes: {},
    });
  }

  #noteTranspose(node: LoweredNode): boolean {
    const perm = node.attributes['perm'] as Permutation;
    const input = this.#resolve(node.inputs[0]!);
    const [result] = node.outputs as [OnnxValue];
    const before = this.#notes.get(input);
    const source = before?.source ?? input;
    const whole = before === undefined ? perm : compose(before.perm, perm);
    if (isIdentity(whole)) this.#aliases.set(result, source);
    else this.#notes.set(result, { source, perm: whole });
    return true;
  }

  #intsConstant(node: LoweredNode, values: readonly number[]): OnnxValue {
    const name = `${node.name}/layout_${this.#constants.length}`;
    this.#constants.push({
      name,
      type: 'int64',
      dims: [values.length],
      data: BigInt64Array.from(values, BigInt),
    });
    return name;
  }

  /** How `input` broadcasts against permuted axes; `undefined` where that cannot be known. */
  #operandOf(input: OnnxValue, perm: Permutation): Operand | undefined {
    const note = this.#noteOf(input);
    if (note !== undefined && note.perm.join() === perm.join()) {
      return { kind: 'as-is', value: note.source };
    }
    const dims = this.#facts.dims(input);
    if (dims === undefined || dims.length > perm.length) return undefined;
    if (dims.every((size) => size === 1)) return { kind: 'as-is', value: this.#plain(input) };
    const full = [...Array.from({ length: perm.length - dims.length }, () => 1), ...dims];
    const inverse = invert(perm);
    if (keepsOrder(inverse, full)) return { kind: 'reshape', dims: inverse.map((axis) => full[axis]!) };
    return dims.length === perm.length ? { kind: 'transpose' } : undefined;
  }

  /** The permutation on which an elementwise operator should compute, by what it costs here and behind. */
  #permutationFor(node: LoweredNode): Permutation | undefined {
    const notes = node.inputs.flatMap((input) => this.#noteOf(input) ?? []);
    const perm = notes[0]?.perm;
    if (perm === undefined) return undefined;
    const wish = this.#wishes.get(node.outputs[0]!);
    let stay = wish?.moved === true ? 1 : 0;
    let sink = wish?.plain === true ? 1 : 0;
    for (const input of new Set(node.inputs)) {
      if (input === '') continue;
      const operand = this.#operandOf(input, perm);
      if (operand === undefined) return undefined;
      const note = this.#noteOf(input);
      if (note !== undefined && !this.#isWritten(note)) stay++;
      const mustMove = operand.kind === 'transpose' && !this.#facts.isConstant(input);
      if (mustMove && !this.#written.has(this.#keyOf(this.#resolve(input), invert(perm)))) sink++;
    }
    const isUnwritten = notes.some((note) => !this.#isWritten(note));
    return sink < stay || (sink === stay && isUnwritten) ? perm : undefined;
  }

  #sinkElementwise(node: LoweredNode): boolean {
    const perm = this.#permutationFor(node);
    if (perm === undefined) return false;
    const inputs = node.inputs.map((input) => (input === '' ? '' : this.#moved(node, input, perm)));
    this.#pushMoved({ ...node, inputs }, perm);
    return true;
  }

  /** Input of an elementwise operator, as it must be to compute on permuted axes. */
  #moved(node: LoweredNode, input: OnnxValue, perm: Permutation): OnnxValue {
    const operand = this.#operandOf(input, perm)!;
    if (operand.kind === 'as-is') return operand.value;
    const plain = this.#plain(input);
    const inverse = invert(perm);
    if (operand.kind === 'transpose') {
      return this.#write(plain, inverse, `${plain}/moved_${inverse.join('')}`);
    }
    const key = this.#keyOf(plain, [...operand.dims, -1]);
    const known = this.#written.get(key);
    if (known !== undefined) return known;
    const name = `${plain}/aligned_${this.#nodes.length}`;
    const shape = this.#intsConstant(node, operand.dims);
    this.#nodes.push({
      op: 'Reshape',
      name,
      inputs: [plain, shape],
      outputs: [name],
      attributes: { allowzero: 1 },
    });
    this.#written.set(key, name);
    return name;
  }

  /** Writes a node that computes on permuted axes and notes what its result is. */
  #pushMoved(node: LoweredNode, perm: Permutation): void {
    const [result] = node.outputs as [OnnxValue];
    if (isIdentity(perm)) {
      this.#nodes.push(node);
      return;
    }
    const moved = `${result}/sunk`;
    this.#nodes.push({ ...node, outputs: [moved] });
    this.#notes.set(result, { source: moved, perm });
  }

  /** Reductions name their axes: they never need a Transpose. */
  #sinkReduction(node: LoweredNode): boolean {
    const [data, axesInput] = node.inputs;
    const note = this.#noteOf(data!);
    const axes = axesInput === undefined || axesInput === '' ? undefined : this.#facts.ints(axesInput);
    if (note === undefined || axes === undefined) return false;
    const { perm } = note;
    const reduced = axes.map((axis) => (axis < 0 ? axis + perm.length : axis));
    const inputs = [
      note.source,
      this.#intsConstant(
        node,
        reduced.map((axis) => perm[axis]!),
      ),
    ];
    if (node.attributes['keepdims'] !== 0) {
      this.#pushMoved({ ...node, inputs }, perm);
      return true;
    }
    const kept = perm.filter((_, axis) => !reduced.includes(axis));
    const order = kept.toSorted((left, right) => left - right);
    this.#pushMoved(
      { ...node, inputs },
      kept.map((axis) => order.indexOf(axis)),
    );
    return true;
  }

  #sinkConcat(node: LoweredNode): boolean {
    const notes = node.inputs.map((input) => this.#noteOf(input));
    const perm = notes[0]?.perm;
    if (perm === undefined || notes.some((note) => note?.perm.join() !== perm.join())) return false;
    const axis = node.attributes['axis'] as number;
    const moved = perm[axis < 0 ? axis + perm.length : axis]!;
    const inputs = notes.map((note) => note!.source);
    this.#pushMoved({ ...node, inputs, attributes: { ...node.attributes, axis: moved } }, perm);
    return true;
  }

  /** A Pad between convolutions; elsewhere rows of channels are the better thing to copy. */
  #sinkPad(node: LoweredNode): boolean {
    const [data, padsInput, value = '', axes = ''] = node.inputs as [string, string, string?, string?];
    const note = this.#noteOf(data);
    const pads = this.#facts.ints(padsInput);
    const isWanted = this.#wishes.get(node.outputs[0]!)?.plain !== true;
    if (note === undefined || pads === undefined || axes !== '' || !isWanted) return false;
    const { perm } = note;
    const rank = perm.length;
    const inverse = invert(perm);
    const moved = [...inverse, ...inverse.map((axis) => axis + rank)].map((index) => pads[index]!);
    this.#pushMoved({ ...node, inputs: [note.source, this.#intsConstant(node, moved), value] }, perm);
    return true;
  }
}

/** Segment with its transposes moved to where they are needed; the fewer, the better they cancel. */
export function sinkTransposes(segment: Segment): Segment {
  if (!segment.nodes.some((node) => node.op === 'Transpose')) return segment;
  return new Sinking(segment).run(segment);
}
