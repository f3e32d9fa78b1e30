/**
 * tfjs's gradient of ClipByValue masks with `low <= x && x <= high`. `x = clip(x)` says the same, of NaN and zeros of either
 * sign as well, and has a node less; two less where the clip itself is in the segment. A recurrent layer that learns has
 * three such masks in each step.
 */
import type { OnnxValue } from '../ops/define-op.ts';
import type { LoweredNode, Segment } from '../segment.ts';

function scalarsOf(segment: Segment): ReadonlyMap<OnnxValue, number> {
  const scalars = new Map<OnnxValue, number>();
  for (const { name, type, dims, data } of segment.constants) {
    if (type === 'float32' && dims.length === 0) scalars.set(name, Number(data[0]));
  }
  return scalars;
}

const isComparison = ({ op }: LoweredNode): boolean => op === 'GreaterOrEqual' || op === 'LessOrEqual';

/** Segment in which masks of clipped values are cheap; comparisons that nobody reads any more are left. */
export function clipMasks(segment: Segment): Segment {
  if (!segment.nodes.some(isComparison)) return segment;
  const scalars = scalarsOf(segment);
  const comparisons = new Map<OnnxValue, LoweredNode>();
  const clips = new Map<string, OnnxValue>();
  const keyOf = (value: OnnxValue, low: OnnxValue, high: OnnxValue): string =>
    `${value}|${scalars.get(low)}|${scalars.get(high)}`;
  let isChanged = false;
  const nodes = segment.nodes.flatMap((node): LoweredNode[] => {
    const [result] = node.outputs as [OnnxValue];
    const { op, inputs } = node;
    if (isComparison(node)) comparisons.set(result, node);
    if (op === 'Clip' && scalars.has(inputs[1]!) && scalars.has(inputs[2]!)) {
      clips.set(keyOf(inputs[0]!, inputs[1]!, inputs[2]!), result);
    }
    const compared = op === 'And' ? inputs.flatMap((input) => comparisons.get(input) ?? []) : [];
    const [value, low] = compared.find((other) => other.op === 'GreaterOrEqual')?.inputs ?? [];
    const [same, high] = compared.find((other) => other.op === 'LessOrEqual')?.inputs ?? [];
    if (value === undefined || value !== same) return [node];
    // False where one of them is no scalar constant, or NaN.
    if (!(scalars.get(low!)! <= scalars.get(high!)!)) return [node];
    isChanged = true;
    const key = keyOf(value, low!, high!);
    const known = clips.get(key);
    const clip = known ?? `${result}/clip`;
    clips.set(key, clip);
    const equal: LoweredNode = { ...node, op: 'Equal', inputs: [value, clip] };
    if (known !== undefined) return [equal];
    const clipped = [value, low!, high!];
    return [{ op: 'Clip', name: clip, inputs: clipped, outputs: [clip], attributes: {} }, equal];
  });
  return isChanged ? { ...segment, nodes } : segment;
}
