/**
 * A captured graph → a standalone ONNX model. Symbolic sizes come of comparison: the graph is given for several sizes,
 * each is lowered with concrete numbers, and what differs between the lowerings is computed from the sizes of the inputs.
 * The same idea as the sessions' dynamic shapes (ADR 0003), but nothing is left for the caller to feed.
 */
import { lowerGraph, type OpDefinitions } from '../compile/lower.ts';
import { optimizeSegment } from '../compile/passes/index.ts';
import type { Segment } from '../compile/segment.ts';
import { skeletonOf } from '../compile/skeleton.ts';
import { UserError } from '../ir/errors.ts';
import { nodesByName, placeholders, refKey, typeOf, type Graph } from '../ir/graph.ts';
import { sameContents } from '../ir/tensor-type.ts';
import { GraphWriter, type OnnxDim, type OnnxModel, type ValueName } from '../onnx/index.ts';
import { fitSizes, onlySymbol } from './fit-sizes.ts';
import { emitSymbolicConstant, type SizeContext } from './symbolic-constant.ts';

/** A size that stays open in the model. */
export interface SymbolicSize {
  readonly name: string;
  /** Name of a placeholder, and the axis of it that has this size. */
  readonly input: string;
  readonly axis: number;
}

/** The graph for one choice of the symbolic sizes. */
export interface GraphVariant {
  readonly graph: Graph;
  readonly sizes: readonly number[];
}

export interface ExportPlan {
  /** One, or with symbolic sizes the corners of a box and more, so that each explanation is tested; see `sizeBox`. */
  readonly variants: readonly GraphVariant[];
  readonly symbols: readonly SymbolicSize[];
  /** Names of the model's outputs, in order of the graph's. */
  readonly outputNames: readonly string[];
}

interface LoweredVariant {
  readonly graph: Graph;
  readonly sizes: readonly number[];
  readonly segment: Segment;
  readonly outputs: readonly ValueName[];
}

function lowerVariant({ graph, sizes }: GraphVariant, table: OpDefinitions): LoweredVariant {
  const options = { segmentNodes: Infinity, areSizesOpen: sizes.length > 0 };
  const lowered = lowerGraph(graph, table, options);
  const [fallback] = lowered.fallbacks;
  if (fallback !== undefined) {
    const kernels = [...new Set(lowered.fallbacks.map(({ kernel }) => kernel))].join(', ');
    throw new UserError(`${kernels} of the graph has no ONNX form (${fallback.node}: ${fallback.reason})`, {
      code: 'FG3404',
      hint: 'Leave these ops out of what is exported: compute them before or after the model.',
    });
  }
  // Nothing runs eagerly, so there is one segment, or none where nothing is computed.
  const segments = lowered.steps.flatMap((step) => (step.kind === 'onnx' ? [step.segment] : []));
  const [segment = { inputs: [], constants: [], nodes: [], outputs: [] }] = segments;
  return {
    graph,
    sizes,
    segment: optimizeSegment(segment),
    outputs: graph.outputs.map((ref) => lowered.values.get(refKey(ref))!),
  };
}

function isSameShape(left: readonly unknown[], right: readonly unknown[]): boolean {
  return left.length === right.length && left.every((item, index) => item === right[index]);
}

function dependenceError(what: string): UserError {
  return new UserError(`${what} depends on the symbolic sizes in a way that cannot be written in ONNX`, {
    code: 'FG3405',
    hint: 'Export with fixed sizes: `dynamic: false`.',
  });
}

/** @throws FG3405 when the variants are not the same program. */
function checkSkeletons(variants: readonly LoweredVariant[]): void {
  const [first, ...others] = variants.map(({ segment }) => skeletonOf(segment));
  if (others.some((skeleton) => skeleton !== first)) throw dependenceError('the list of ops');
}

/** Dims of a value over the variants: fixed, a symbol's name, or unknown. */
function dimsOf(
  shapes: readonly (readonly number[])[],
  sizes: readonly (readonly number[])[],
  symbols: readonly SymbolicSize[],
): OnnxDim[] {
  return shapes[0]!.map((dim, axis): OnnxDim => {
    const values = shapes.map((shape) => shape[axis]!);
    if (values.every((value) => value === dim)) return dim;
    const fit = fitSizes(values, sizes, true);
    const symbol = fit === undefined ? undefined : onlySymbol(fit);
    return symbol === undefined ? null : symbols[symbol]!.name;
  });
}

/** Writes the parts of one model. */
class ModelWriter {
  readonly #plan: ExportPlan;
  readonly #variants: readonly LoweredVariant[];
  readonly #sizes: readonly (readonly number[])[];
  readonly #writer: GraphWriter;
  /** Names in the segment → names in the model. */
  readonly #names = new Map<ValueName, ValueName>();
  readonly #sizeNames = new Map<number, ValueName>();
  readonly #shapeNames = new Map<string, ValueName>();

  constructor(plan: ExportPlan, variants: readonly LoweredVariant[], name: string) {
    this.#plan = plan;
    this.#variants = variants;
    this.#sizes = variants.map(({ sizes }) => sizes);
    this.#writer = new GraphWriter(name);
  }

  write(): OnnxModel {
    for (const name of this.#plan.outputNames) this.#writer.uniqueName(name);
    this.#writeInputs();
    this.#writeConstants();
    this.#writeNodes();
    return this.#writer.toModel();
  }

  #writeInputs(): void {
    const all = this.#variants.map(({ graph }) => placeholders(graph));
    for (const [index, { name, type }] of all[0]!.entries()) {
      const shapes = all.map((inputs) => inputs[index]!.type.shape as readonly number[]);
      const dims = dimsOf(shapes, this.#sizes, this.#plan.symbols);
      this.#names.set(name, this.#writer.input(name, type.dtype as 'float32' | 'int32' | 'bool', dims));
    }
  }

  #sizeOf(symbol: number): ValueName {
    const known = this.#sizeNames.get(symbol);
    if (known !== undefined) return known;
    const { name, input, axis } = this.#plan.symbols[symbol]!;
    const writer = this.#writer;
    writer.label(name);
    const shape = this.#shapeNames.get(input) ?? writer.add('Shape', [this.#names.get(input)]);
    this.#shapeNames.set(input, shape);
    const size = writer.add('Gather', [shape, writer.ints([axis])], { axis: 0 });
    writer.label('');
    this.#sizeNames.set(symbol, size);
    return size;
  }

  #writeConstants(): void {
    const writer = this.#writer;
    const context: SizeContext = {
      writer,
      sizes: this.#sizes,
      sizeOf: (symbol) => this.#sizeOf(symbol),
    };
    for (const [index, constant] of this.#variants[0]!.segment.constants.entries()) {
      const versions = this.#variants.map(({ segment }) => segment.constants[index]!);
      const isFixed = versions.every(
        (version) => isSameShape(version.dims, constant.dims) && sameContents(version.data, constant.data),
      );
      if (isFixed) {
        const name = writer.initializer(constant.data, constant.dims, {
          dataType: constant.type,
          ...(constant.leaf === undefined ? {} : { name: constant.name }),
        });
        this.#names.set(constant.name, name);
        continue;
      }
      const computed = emitSymbolicConstant(versions, context);
      if (computed === undefined) throw dependenceError(`the constant ${constant.name}`);
      this.#names.set(constant.name, computed);
    }
  }

  #writeNodes(): void {
    const writer = this.#writer;
    const { outputNames } = this.#plan;
    const [{ segment, outputs }] = this.#variants as readonly [LoweredVariant];
    const made = new Set(segment.nodes.flatMap((node) => node.outputs));
    /** A value that is one output takes the output's name; all other outputs are copies. */
    const renamed = new Map<ValueName, ValueName>();
    for (const [index, value] of outputs.entries()) {
      if (made.has(value) && !renamed.has(value)) renamed.set(value, outputNames[index]!);
    }
    for (const node of segment.nodes) {
      const [domain, operator] = node.op.includes('.') ? node.op.split('.') : ['', node.op];
      const results = node.outputs.map((name) => {
        const own = name === '' ? '' : (renamed.get(name) ?? writer.uniqueName(name));
        this.#names.set(name, own);
        return own;
      });
      writer.addNode({
        opType: domain === '' ? operator! : `com.microsoft:${operator}`,
        inputs: node.inputs.map((name) => (name === '' ? undefined : this.#names.get(name)!)),
        outputs: results,
        attributes: node.attributes,
        name: node.name,
      });
    }
    for (const [index, value] of outputs.entries()) {
      const name = outputNames[index]!;
      const source = this.#names.get(value)!;
      if (source !== name) writer.addNode({ opType: 'Identity', inputs: [source], outputs: [name] });
      const types = this.#variants.map(({ graph }) => typeOf(nodesByName(graph), graph.outputs[index]!)!);
      const shapes = types.map((type) => type.shape as readonly number[]);
      const dims = dimsOf(shapes, this.#sizes, this.#plan.symbols);
      writer.output(name, types[0]!.dtype as 'float32' | 'int32' | 'bool', dims);
    }
  }
}

/**
 * One model for all variants. Placeholders are its inputs, constants its initializers, names are the graph's.
 * @throws FG3404 for ops without an ONNX form, FG3405 when the variants differ in more than sizes explain.
 */
export function exportModel(plan: ExportPlan, table: OpDefinitions, name = 'fullgraph'): OnnxModel {
  const variants = plan.variants.map((variant) => lowerVariant(variant, table));
  checkSkeletons(variants);
  return new ModelWriter(plan, variants, name).write();
}
