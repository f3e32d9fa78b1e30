/** Segment → ONNX model as plain data. Constants that a session leaves open become inputs, behind the segment's own. */
import type {
  OnnxAttribute as ModelAttribute,
  OnnxModel,
  OnnxNode,
  OnnxTensor,
  OnnxValueInfo,
} from '../onnx/model.ts';
import { onnxVersions } from '../onnx/versions.ts';
import type { OnnxAttribute, OnnxValue } from './ops/define-op.ts';
import type { ElementType, LoweredConstant, Segment } from './segment.ts';
import type { Generality } from './skeleton.ts';

function modelAttribute(value: OnnxAttribute): ModelAttribute {
  if (typeof value === 'number') return { kind: 'int', value };
  if (typeof value === 'string') return { kind: 'string', value };
  if ('float' in value) return { kind: 'float', value: value.float };
  return typeof value[0] === 'string'
    ? { kind: 'strings', value: value as readonly string[] }
    : { kind: 'ints', value: value as readonly number[] };
}

function valueInfo(name: string, type: ElementType, dims: readonly (number | undefined)[]): OnnxValueInfo {
  return { name, type: { kind: 'tensor', dataType: type, dims: dims.map((dim) => dim ?? null) } };
}

function tensor(constant: LoweredConstant): OnnxTensor {
  return { name: constant.name, dims: constant.dims, dataType: constant.type, data: constant.data };
}

/** Dims of a free constant: rank is structure, sizes may change. */
function openDims(constant: LoweredConstant): undefined[] {
  return constant.dims.map(() => undefined);
}

/** Larger constants are hardly ever equal. */
const sharedBytes = 64;

/**
 * Constants that say the same as one before them, by name: one initializer will do. There are hundreds in unrolled loops,
 * and onnxruntime takes 10 us to load each.
 */
function findEqual(constants: readonly LoweredConstant[]): ReadonlyMap<OnnxValue, OnnxValue> {
  const firsts = new Map<string, OnnxValue>();
  const equal = new Map<OnnxValue, OnnxValue>();
  for (const { name, type, dims, data } of constants) {
    if (data.byteLength > sharedBytes) continue;
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('latin1');
    const key = `${type}[${dims.join()}]${bytes}`;
    const first = firsts.get(key);
    if (first === undefined) firsts.set(key, name);
    else equal.set(name, first);
  }
  return equal;
}

/** The model of a segment under a generality. Outputs are declared without dims where any input is dynamic. */
export function buildModel(segment: Segment, generality: Generality): OnnxModel {
  const isStatic =
    generality.freeConstants.every((isFree) => !isFree) &&
    generality.dims.every((dims) => dims.every((dim) => dim !== undefined));
  const fixed = segment.constants.filter((_, index) => generality.freeConstants[index] !== true);
  const equal = findEqual(fixed);
  const nodes = segment.nodes.map((node): OnnxNode => {
    const [domain, opType] = node.op.includes('.')
      ? ['com.microsoft', node.op.split('.')[1]!]
      : ['', node.op];
    return {
      opType,
      domain,
      name: node.name,
      inputs: node.inputs.map((input) => equal.get(input) ?? input),
      outputs: node.outputs,
      attributes: Object.fromEntries(
        Object.entries(node.attributes).map(([name, value]) => [name, modelAttribute(value)]),
      ),
    };
  });
  const free = segment.constants.filter((_, index) => generality.freeConstants[index] === true);
  return {
    irVersion: onnxVersions.ir,
    opsets: [
      { domain: '', version: onnxVersions.opset },
      { domain: 'com.microsoft', version: onnxVersions.microsoftOpset },
    ],
    producerName: 'fullgraph',
    graph: {
      name: 'segment',
      nodes,
      inputs: [
        ...segment.inputs.map((input, index) => valueInfo(input.name, input.type, generality.dims[index]!)),
        ...free.map((constant) => valueInfo(constant.name, constant.type, openDims(constant))),
      ],
      outputs: segment.outputs.map((output) =>
        isStatic
          ? valueInfo(output.name, output.type, output.dims)
          : { name: output.name, type: { kind: 'tensor', dataType: output.type } },
      ),
      initializers: fixed.filter(({ name }) => !equal.has(name)).map(tensor),
    },
  };
}
