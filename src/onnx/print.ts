/**
 * A model as text, for goldens and the terminal: one line per value, in the model's order, weights by type only. Made
 * for reading and comparing; it is not read back.
 */
import { float32Text } from '../ir/number-text.ts';
import type { OnnxDataType } from './data-type.ts';
import type {
  OnnxAttribute,
  OnnxDim,
  OnnxGraph,
  OnnxModel,
  OnnxNode,
  OnnxString,
  OnnxTensor,
  OnnxType,
  OnnxValueInfo,
} from './model.ts';
import { isNumeric } from './tensor-codec.ts';

/** Values up to which a tensor is written out. */
const shownValues = 8;

function printName(name: string): string {
  return /^[\w./:;@#-]+$/.test(name) ? name : JSON.stringify(name);
}

function printTensorType(dataType: OnnxDataType, dims: readonly OnnxDim[] | undefined): string {
  return dims === undefined ? `${dataType}[...]` : `${dataType}[${dims.map((dim) => dim ?? '?').join(',')}]`;
}

function printType(type: OnnxType | undefined): string {
  if (type === undefined) return '?';
  switch (type.kind) {
    case 'tensor':
      return printTensorType(type.dataType, type.dims);
    case 'sparseTensor':
      return `sparse ${printTensorType(type.dataType, type.dims)}`;
    case 'sequence':
    case 'optional':
      return `${type.kind}(${printType(type.element)})`;
    case 'map':
      return `map(${type.keyType}, ${printType(type.valueType)})`;
    case 'opaque':
      return 'opaque';
    default:
      return type satisfies never;
  }
}

function printString(value: OnnxString): string {
  return typeof value === 'string' ? JSON.stringify(value) : `bytes(${value.length})`;
}

/** A float32 that tells itself from a whole number; the sign of a zero is not shown. */
function printFloat(value: number): string {
  const text = float32Text(Math.fround(value) + 0);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

function printTensor(tensor: OnnxTensor): string {
  const type = printTensorType(tensor.dataType, tensor.dims);
  const { data } = tensor;
  if (data.length > shownValues) return type;
  if (!isNumeric(data)) return `${type} {${data.map(printString).join(', ')}}`;
  const values = data instanceof Float32Array ? Array.from(data, printFloat) : Array.from(data, String);
  return `${type} {${values.join(', ')}}`;
}

function printAttribute(attribute: OnnxAttribute, indent: string): string {
  switch (attribute.kind) {
    case 'float':
      return printFloat(attribute.value);
    case 'int':
      return String(attribute.value);
    case 'string':
      return printString(attribute.value);
    case 'tensor':
      return printTensor(attribute.value);
    case 'graph':
      return printGraph(attribute.value, indent);
    case 'sparseTensor':
      return `sparse ${printTensorType(attribute.value.values.dataType, attribute.value.dims)}`;
    case 'type':
      return printType(attribute.value);
    case 'floats':
      return `[${attribute.value.map(printFloat).join(', ')}]`;
    case 'ints':
      return `[${attribute.value.join(', ')}]`;
    case 'strings':
      return `[${attribute.value.map(printString).join(', ')}]`;
    case 'tensors':
      return `[${attribute.value.map(printTensor).join(', ')}]`;
    case 'graphs':
      return `[${attribute.value.map((graph) => printGraph(graph, indent)).join(', ')}]`;
    case 'sparseTensors':
      return `${attribute.value.length} sparse tensors`;
    case 'types':
      return `[${attribute.value.map(printType).join(', ')}]`;
    case 'reference':
      return `@${printName(attribute.value)}`;
    case 'opaque':
      return 'opaque';
    default:
      return attribute satisfies never;
  }
}

function printNode(node: OnnxNode, indent: string): string {
  const outputs = node.outputs.map((name) => (name === '' ? '_' : printName(name))).join(', ');
  const inputs = node.inputs.map((name) => (name === '' ? '_' : printName(name))).join(', ');
  const opType = node.domain === '' ? node.opType : `${node.domain}:${node.opType}`;
  const attributes = Object.entries(node.attributes).map(
    ([name, attribute]) => `${printName(name)}: ${printAttribute(attribute, indent)}`,
  );
  const suffix = attributes.length === 0 ? '' : ` {${attributes.join(', ')}}`;
  return `${indent}${outputs} = ${opType}(${inputs})${suffix}`;
}

function printValue(info: OnnxValueInfo): string {
  return `${printName(info.name)}: ${printType(info.type)}`;
}

function printGraph(graph: OnnxGraph, indent: string): string {
  const inner = `${indent}  `;
  return [
    `graph ${printName(graph.name)}(${graph.inputs.map(printValue).join(', ')}) {`,
    ...graph.initializers.map((tensor) => `${inner}${printName(tensor.name)} = ${printTensor(tensor)}`),
    ...(graph.sparseInitializers ?? []).map(
      (sparse) =>
        `${inner}${printName(sparse.values.name)} = sparse ${printTensorType(sparse.values.dataType, sparse.dims)}`,
    ),
    ...graph.nodes.map((node) => printNode(node, inner)),
    `${inner}return ${graph.outputs.map(printValue).join(', ')}`,
    `${indent}}`,
  ].join('\n');
}

/**
 * The model as text: versions, graph, functions. Node names, metadata and documentation are left out.
 *
 *     ir 8, opset 21
 *     graph mlp(x: float32[batch,3]) {
 *       constant = float32[3,4]
 *       MatMul:0 = MatMul(x, constant)
 *       return MatMul:0: float32[batch,4]
 *     }
 */
export function printOnnx(model: OnnxModel): string {
  const opsets = model.opsets.map(({ domain, version }) => `${domain || 'opset'} ${version}`);
  const functions = (model.functions ?? []).flatMap((definition) => [
    `function ${printName(`${definition.domain}:${definition.name}`)}(${definition.inputs.map(printName).join(', ')}) {`,
    ...definition.nodes.map((node) => printNode(node, '  ')),
    `  return ${definition.outputs.map(printName).join(', ')}`,
    '}',
  ]);
  return [`ir ${model.irVersion}, ${opsets.join(', ')}`, printGraph(model.graph, ''), ...functions, ''].join(
    '\n',
  );
}
