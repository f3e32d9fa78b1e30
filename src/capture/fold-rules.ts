/**
 * Which calls are computed while recording because all they need is known: integer arithmetic on shapes, which decides
 * what a GraphModel does next, and views of data and filled tensors, whose offsets and values change from batch to batch and would
 * make each batch a graph of its own. Nothing here reads a pending value.
 */
import type { LazyValue } from './pending.ts';
import type { Signature } from './signature.ts';

/** Integer results up to this size are computed at once. */
const integerElements = 64;
/** Vectors, and lists of indices, up to this size are converted at once. */
const vectorElements = 4096;

/** So many forms of one source are parts of graphs, further ones are inputs. */
const variedSources = 2;
/** Sources up to this size are filled at once. */
const sourceElements = 65_536;

type Values = readonly (LazyValue | undefined)[];

/** `view`: numbers that are there or follow from attributes; `integers`: shape arithmetic. */
export type Folding = 'integers' | 'view';

/** Sizes of a contiguous part: full behind the first axis that is cut, one element before it. */
function isContiguous(shape: readonly number[], size: readonly number[]): boolean {
  let axis = 0;
  while (axis < size.length && size[axis] === 1) axis++;
  for (axis++; axis < size.length; axis++) if (size[axis] !== shape[axis]) return false;
  return true;
}

/** Data that was written or computed before, not a weight: weights stay whole, as constants or state of the graph. */
export function isData(value: LazyValue | undefined): boolean {
  return value?.host !== undefined && !value.isState && !value.isFrozen;
}

function isView(signature: Signature, values: Values): boolean {
  if (!isData(values[0])) return false;
  const [input] = signature.inputTypes;
  const [output] = signature.outputs!;
  switch (signature.kernel.name) {
    case 'Slice':
      return isContiguous(input!.shape, output!.shape);
    case 'Cast':
      // Models take what is to be looked up as floats: as integers they are checked against the table, as eager does.
      return output!.size <= vectorElements && (output!.shape.length <= 1 || output!.dtype === 'int32');
    default:
      return false;
  }
}

function isShapeArithmetic(signature: Signature, values: Values): boolean {
  if (signature.kernel.op!.isHostFoldable !== true) return false;
  const { inputTypes, outputs } = signature;
  for (let index = 0; index < values.length; index++) {
    const value = values[index];
    if (value === undefined) continue;
    if (value.host === undefined || value.type.size > integerElements) return false;
    if (inputTypes[index]!.dtype === 'float32') return false;
  }
  return outputs!.every((type) => type.dtype !== 'float32' && type.size <= integerElements);
}

/**
 * A tensor made of attributes alone (Fill, Range), with other attributes than those that made its like before. Integers
 * in a row are mostly positions: known ones are checked against the table that they are looked up in, as eager does.
 */
function isVaryingSource({ kernel, outputs, siblings }: Signature, values: Values): boolean {
  const [output] = outputs!;
  if (values.length > 0 || output!.size > sourceElements) return false;
  return siblings >= variedSources || (kernel.name === 'Range' && output!.dtype === 'int32');
}

/** How a call can be computed now, if it can. */
export function foldingOf(signature: Signature, values: Values): Folding | undefined {
  if (isVaryingSource(signature, values)) return 'view';
  if (isShapeArithmetic(signature, values)) return 'integers';
  return isView(signature, values) ? 'view' : undefined;
}
