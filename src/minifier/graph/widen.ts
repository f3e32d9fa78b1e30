/**
 * The same test case in double precision, as the judge between two single-precision answers (PyTorch's way). onnxruntime has no
 * float64 kernel for some operators; then the model is refused and nobody judges.
 */
import { convertCase } from './convert-types.ts';
import type { GraphCase } from './graph-case.ts';
import { allGraphs } from './graph-uses.ts';

/** Bytes of tensors up to which a second, double-precision model is worth its time. */
const maxBytes = 64 * 2 ** 20;

const widened = new WeakMap<GraphCase, GraphCase>();

/** The test case in float64; undefined when it has functions, or is too large. */
export function widenCase(testCase: GraphCase): GraphCase | undefined {
  const known = widened.get(testCase);
  if (known !== undefined) return known;
  const { model } = testCase;
  const constants = allGraphs(model.graph).flatMap(({ initializers }) => initializers);
  const bytes = constants.reduce((sum, { data }) => sum + data.length * 4, 0);
  if ((model.functions?.length ?? 0) > 0 || bytes > maxBytes) return undefined;
  const wide = convertCase(testCase, 'float32', 'float64');
  widened.set(testCase, wide);
  return wide;
}
