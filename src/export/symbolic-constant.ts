/**
 * A constant that differs between lowerings for several sizes → ONNX nodes that compute it from the sizes of the inputs:
 * shapes, offsets and counts element by element, filled tensors by Expand, rows of numbers by Range.
 */
import type { ElementType, LoweredConstant } from '../compile/segment.ts';
import type { GraphWriter, OnnxDataType, ValueName } from '../onnx/index.ts';
import { fitSizes, fixedValue, isFixed, type SizeFormula } from './fit-sizes.ts';

/** The graph that is being written, and where sizes come from. */
export interface SizeContext {
  readonly writer: GraphWriter;
  /** Symbolic sizes of each lowering. */
  readonly sizes: readonly (readonly number[])[];
  /** An int64 value of shape `[1]` that holds a symbolic size. */
  readonly sizeOf: (symbol: number) => ValueName;
}

const onnxTypes: Readonly<Record<ElementType, { readonly code: number; readonly name: OnnxDataType }>> = {
  float32: { code: 1, name: 'float32' },
  uint8: { code: 2, name: 'uint8' },
  int32: { code: 6, name: 'int32' },
  int64: { code: 7, name: 'int64' },
  bool: { code: 9, name: 'bool' },
  float64: { code: 11, name: 'float64' },
};

const isIntegral = (type: ElementType): boolean => type !== 'float32' && type !== 'float64';

function vector(values: readonly number[], type: ElementType, writer: GraphWriter): ValueName {
  switch (type) {
    case 'float32':
      return writer.initializer(Float32Array.from(values), [values.length]);
    case 'float64':
      return writer.initializer(Float64Array.from(values), [values.length]);
    case 'int32':
      return writer.initializer(Int32Array.from(values), [values.length]);
    case 'int64':
      return writer.ints(values);
    default:
      return writer.initializer(Uint8Array.from(values), [values.length], { dataType: onnxTypes[type].name });
  }
}

/** One number as a vector of length 1. */
function emitFormula(formula: SizeFormula, type: ElementType, context: SizeContext): ValueName {
  const { writer, sizeOf } = context;
  if (isFixed(formula)) return vector([fixedValue(formula)], type, writer);
  const isWhole =
    !formula.isReciprocal && formula.terms.every(({ coefficient }) => Number.isInteger(coefficient));
  const working: ElementType = isWhole ? 'int64' : 'float64';
  const terms = formula.terms.map(({ coefficient, symbols }) => {
    if (symbols.length === 0) return vector([coefficient], working, writer);
    let value = symbols.map(sizeOf).reduce((left, right) => writer.add('Mul', [left, right]));
    if (!isWhole) value = writer.add('Cast', [value], { to: onnxTypes.float64.code });
    return coefficient === 1 ? value : writer.add('Mul', [value, vector([coefficient], working, writer)]);
  });
  const sum = terms.reduce((left, right) => writer.add('Add', [left, right]));
  const value = formula.isReciprocal ? writer.add('Reciprocal', [sum]) : sum;
  return type === working ? value : writer.add('Cast', [value], { to: onnxTypes[type].code });
}

/** A vector, runs of fixed numbers as one piece. */
function emitVector(formulas: readonly SizeFormula[], type: ElementType, context: SizeContext): ValueName {
  const pieces: ValueName[] = [];
  let fixed: number[] = [];
  const flush = (): void => {
    if (fixed.length > 0) pieces.push(vector(fixed, type, context.writer));
    fixed = [];
  };
  for (const formula of formulas) {
    if (isFixed(formula)) fixed.push(fixedValue(formula));
    else {
      flush();
      pieces.push(emitFormula(formula, type, context));
    }
  }
  flush();
  return pieces.length === 1 ? pieces[0]! : context.writer.add('Concat', pieces, { axis: 0 });
}

function fitAll(
  rows: readonly (readonly number[])[],
  context: SizeContext,
  isInteger: boolean,
): SizeFormula[] | undefined {
  const formulas = rows[0]!.map((_, index) =>
    fitSizes(
      rows.map((row) => row[index]!),
      context.sizes,
      isInteger,
    ),
  );
  return formulas.every((formula) => formula !== undefined) ? formulas : undefined;
}

function numbers(constant: LoweredConstant): number[] {
  return Array.from(constant.data as ArrayLike<number | bigint>, Number);
}

/** Start and step of evenly spaced whole numbers. */
function progression(
  values: readonly number[],
): { readonly start: number; readonly step: number } | undefined {
  const [start = 0, second = start + 1] = values;
  const step = second - start;
  const isWhole = Number.isInteger(start) && Number.isInteger(step);
  return isWhole && values.every((value, index) => value === start + index * step)
    ? { start, step }
    : undefined;
}

/** A constant whose own size depends on the symbolic sizes. */
function emitResized(variants: readonly LoweredConstant[], context: SizeContext): ValueName | undefined {
  const { writer } = context;
  const { type } = variants[0]!;
  const dims = fitAll(
    variants.map((variant) => variant.dims),
    context,
    true,
  );
  if (dims === undefined) return undefined;
  const shape = (): ValueName => emitVector(dims, 'int64', context);
  const contents = variants.map(numbers);
  const fill = contents[0]![0];
  if (fill !== undefined && contents.every((row) => row.every((value) => Object.is(value, fill)))) {
    return writer.add('Expand', [vector([fill], type, writer), shape()]);
  }
  const rows = contents.map(progression);
  const { start, step } = rows[0] ?? { start: 0, step: 0 };
  if (step === 0 || rows.some((row) => row?.start !== start || row.step !== step)) return undefined;
  const count = dims.reduce<ValueName | undefined>((total, dim) => {
    const size = emitFormula(dim, 'int64', context);
    return total === undefined ? size : writer.add('Mul', [total, size]);
  }, undefined);
  if (count === undefined) return undefined;
  const scalar = writer.add('Reshape', [count, writer.ints([])]);
  let value = writer.add('Range', [writer.scalar(0, 'int64'), scalar, writer.scalar(1, 'int64')]);
  if (step !== 1) value = writer.add('Mul', [value, writer.scalar(step, 'int64')]);
  if (start !== 0) value = writer.add('Add', [value, writer.scalar(start, 'int64')]);
  if (dims.length !== 1) value = writer.add('Reshape', [value, shape()]);
  return type === 'int64' ? value : writer.add('Cast', [value], { to: onnxTypes[type].code });
}

/** Elements up to which a constant may be computed one by one. */
const computedElements = 64;

/**
 * @param variants the constant in each lowering; not all equal.
 * @returns `undefined` when it does not follow from the sizes in a way that is known here.
 */
export function emitSymbolicConstant(
  variants: readonly LoweredConstant[],
  context: SizeContext,
): ValueName | undefined {
  const { writer } = context;
  const { type, dims } = variants[0]!;
  const isSameShape = variants.every(
    (variant) => variant.dims.length === dims.length && variant.dims.every((dim, axis) => dim === dims[axis]),
  );
  if (!isSameShape) return emitResized(variants, context);
  if (variants[0]!.data.length > computedElements) return undefined;
  const formulas = fitAll(variants.map(numbers), context, isIntegral(type));
  if (formulas === undefined) return undefined;
  const flat = emitVector(formulas, type, context);
  return dims.length === 1 ? flat : writer.add('Reshape', [flat, writer.ints(dims)]);
}
