/**
 * Sums of rows per target row, for scatters, counts and segment sums. By ScatterElements: onnxruntime 1.30 runs
 * ScatterND in parallel when it is large, and loses sums where two threads add to one row.
 */
import type { LoweringContext, OnnxValue } from './define-op.ts';
import { reshape } from './numbers.ts';

/**
 * `target` with each row of `updates` added to the row that `indices` names.
 * @param target [rows, width]; @param indices [count] int64; @param updates [count, width].
 */
export function addRows(
  context: LoweringContext,
  target: OnnxValue,
  indices: OnnxValue,
  updates: OnnxValue,
  [count, width]: readonly [number, number],
): OnnxValue {
  const column = reshape(context, indices, [count, 1]);
  const spread = width === 1 ? column : context.op('Expand', [column, context.ints([count, width])]);
  return context.op('ScatterElements', [target, spread, updates], { axis: 0, reduction: 'add' });
}
