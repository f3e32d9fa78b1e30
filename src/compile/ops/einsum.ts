/**
 * Einsum of one or two tensors as transposes, reshapes and one MatMul, so that constant operands are packed and
 * transposes fused like any other product's. Each label is one of: batch (in both operands and the result), summed
 * (in both, not in the result), or free (in one operand and the result).
 */
import type { ConcreteType } from '../../ir/op-signature.ts';
import { attribute, defineOp, type LoweringContext, type OnnxValue, type OpDefinition } from './define-op.ts';
import { dtypeOf, input, reshape, shapeOf, transpose } from './numbers.ts';
import { elementCount, hasComplex, present } from './rules.ts';
import { f32, i32 } from './samples.ts';

interface Equation {
  readonly operands: readonly (readonly string[])[];
  readonly result: readonly string[];
}

function hasDuplicates(labels: readonly string[]): boolean {
  return new Set(labels).size < labels.length;
}

/** @returns `undefined` for what eager rejects: other than one arrow, an ellipsis, diagonals, three operands. */
function parseEquation(text: string, operandCount: number): Equation | undefined {
  const sides = text.replaceAll(/\s/g, '').split('->');
  if (sides.length !== 2 || text.includes('...')) return undefined;
  const operands = sides[0]!.split(',').map((term) => term.split(''));
  const result = sides[1]!.split('');
  if (operands.length !== operandCount || operandCount > 2) return undefined;
  if ([...operands, result].some(hasDuplicates)) return undefined;
  return result.every((label) => operands.some((term) => term.includes(label)))
    ? { operands, result }
    : undefined;
}

/** Size of each label; `undefined` when operands disagree. */
function labelSizes(equation: Equation, types: readonly ConcreteType[]): Map<string, number> | undefined {
  const sizes = new Map<string, number>();
  for (const [index, labels] of equation.operands.entries()) {
    const { shape } = types[index]!;
    if (shape.length !== labels.length) return undefined;
    for (const [axis, label] of labels.entries()) {
      if ((sizes.get(label) ?? shape[axis]) !== shape[axis]) return undefined;
      sizes.set(label, shape[axis]!);
    }
  }
  return sizes;
}

/** A value with a label for each axis. */
interface Labelled {
  readonly value: OnnxValue;
  readonly labels: readonly string[];
}

function reorder(context: LoweringContext, operand: Labelled, labels: readonly string[]): OnnxValue {
  return transpose(
    context,
    operand.value,
    labels.map((label) => operand.labels.indexOf(label)),
  );
}

/** Sums a single operand over the labels that the result lacks. */
function sumOut(context: LoweringContext, operand: Labelled, result: readonly string[]): Labelled {
  const axes = [...operand.labels.keys()].filter((axis) => !result.includes(operand.labels[axis]!));
  if (axes.length === 0) return operand;
  const value = context.op('ReduceSum', [operand.value, context.ints(axes)], { keepdims: 0 });
  return { value, labels: operand.labels.filter((label) => result.includes(label)) };
}

/** Whether a label of one of two operands is neither shared nor in the result: eager's sums over those are wrong. */
function hasLoneSum({ operands, result }: Equation): boolean {
  const [left, right] = operands;
  if (right === undefined) return false;
  const isLone = (others: readonly string[]) => (label: string) =>
    !others.includes(label) && !result.includes(label);
  return left!.some(isLone(right)) || right.some(isLone(left!));
}

function contract(
  context: LoweringContext,
  left: Labelled,
  right: Labelled,
  result: readonly string[],
  sizes: ReadonlyMap<string, number>,
): OnnxValue {
  const inBoth = left.labels.filter((label) => right.labels.includes(label));
  const batch = result.filter((label) => inBoth.includes(label));
  const summed = inBoth.filter((label) => !result.includes(label));
  const freeOf = (operand: Labelled): string[] =>
    result.filter((label) => operand.labels.includes(label) && !inBoth.includes(label));
  const [rows, columns] = [freeOf(left), freeOf(right)];
  const sizesOf = (labels: readonly string[]): number[] => labels.map((label) => sizes.get(label)!);
  // Each group of labels that is not one axis is flattened into one.
  const matrix = (operand: Labelled, first: readonly string[], second: readonly string[]): OnnxValue => {
    const value = reorder(context, operand, [...batch, ...first, ...second]);
    if (first.length === 1 && second.length === 1) return value;
    const shape = [...sizesOf(batch), elementCount(sizesOf(first)), elementCount(sizesOf(second))];
    return reshape(context, value, shape);
  };
  const product = context.op('MatMul', [matrix(left, rows, summed), matrix(right, summed, columns)]);
  const labels = [...batch, ...rows, ...columns];
  const isFlat = rows.length === 1 && columns.length === 1;
  const value = isFlat ? product : reshape(context, product, sizesOf(labels));
  return reorder(context, { value, labels }, result);
}

function lowerEinsum(context: LoweringContext): OnnxValue {
  const types = present(context.inputTypes);
  const equation = parseEquation(attribute.string(context.attributes, 'equation'), types.length)!;
  const sizes = labelSizes(equation, types)!;
  const [left, right] = equation.operands.map((labels, index) => ({ value: input(context, index), labels }));
  if (right === undefined) return reorder(context, sumOut(context, left!, equation.result), equation.result);
  return contract(context, left!, right, equation.result, sizes);
}

export const einsumOps: readonly OpDefinition[] = [
  defineOp({
    kernel: 'Einsum',
    inputs: 'variadic',
    infer(types, attributes) {
      const operands = present(types);
      const equation = parseEquation(attribute.string(attributes, 'equation'), operands.length);
      const sizes = equation && labelSizes(equation, operands);
      if (sizes === undefined || hasLoneSum(equation!) || hasComplex(...operands)) return undefined;
      // Eager keeps the first operand's dtype or the second's, depending on the equation: only equal ones are plain.
      const [{ dtype }] = operands as readonly [ConcreteType];
      if (dtype === 'bool' || operands.some((operand) => operand.dtype !== dtype)) return undefined;
      return [{ dtype, shape: equation!.result.map((label) => sizes.get(label)!) }];
    },
    lower(context) {
      const isSummable = dtypeOf(context) === 'float32' || dtypeOf(context) === 'int32';
      const isEmptyInput = context.inputs.some((_, index) => elementCount(shapeOf(context, index)) === 0);
      return isSummable && !isEmptyInput ? [lowerEinsum(context)] : undefined;
    },
    samples: [
      { inputs: [f32([2, 3]), f32([3, 4])], attributes: { equation: 'ij,jk->ik' } },
      { inputs: [f32([2, 3]), f32([3, 4])], attributes: { equation: 'ij, jk -> ki' } },
      { inputs: [f32([2, 3, 4]), f32([4, 2, 3])], attributes: { equation: 'abc,cde->abde' } },
      { inputs: [f32([2, 5, 3, 4]), f32([2, 6, 3, 4])], attributes: { equation: 'aecd,abcd->acbe' } },
      { inputs: [f32([2, 3, 6, 5]), f32([2, 5, 3, 4])], attributes: { equation: 'acbe,aecd->abcd' } },
      {
        inputs: [f32([2, 3, 4]), f32([4, 3, 5])],
        attributes: { equation: 'abc,cbd->abd' },
        about: 'batch inside',
      },
      { inputs: [f32([3]), f32([4])], attributes: { equation: 'i,j->ij' } },
      { inputs: [f32([3]), f32([3])], attributes: { equation: 'i,i->' } },
      { inputs: [f32([3]), f32([3])], attributes: { equation: 'i,i->i' } },
      { inputs: [f32([2, 3, 4])], attributes: { equation: 'abc->cab' } },
      { inputs: [f32([2, 3])], attributes: { equation: 'ij->j' } },
      { inputs: [f32([2, 3])], attributes: { equation: 'ij->' } },
      { inputs: [i32([2, 3]), i32([3, 2])], attributes: { equation: 'ij,jk->ik' } },
    ],
  }),
];
