/**
 * The ONNX file format as a table: each message's fields, by number. Field numbers are facts of the format; training
 * information, quantisation annotations, device configurations and whatever comes next are kept as unknown fields.
 */
import { dataTypeCode } from './data-type.ts';
import { attributesField } from './attribute-codec.ts';
import type {
  OnnxDim,
  OnnxFunction,
  OnnxGraph,
  OnnxModel,
  OnnxNode,
  OnnxOpset,
  OnnxType,
  OnnxTypeUnknown,
  OnnxValueInfo,
  WithUnknown,
} from './model.ts';
import { dataTypeInFile, metadataMessage, sparseTensorMessage, tensorMessage } from './tensor-codec.ts';
import type { Field, Message, WireValue } from './wire.ts';
import {
  converted,
  field,
  intValue,
  lazy,
  message,
  optional,
  optionalRepeated,
  repeated,
  sizeValue,
  stringValue,
} from './wire.ts';

interface DimWire extends WithUnknown {
  readonly value?: number;
  readonly param?: string;
}
interface ShapeWire extends WithUnknown {
  readonly dims: readonly DimWire[];
}
interface TensorTypeWire extends WithUnknown {
  readonly elementType: number;
  readonly shape?: ShapeWire;
}
interface ElementWire extends WithUnknown {
  readonly element?: OnnxType;
}
interface MapWire extends WithUnknown {
  readonly keyType: number;
  readonly valueType?: OnnxType;
}
interface TypeWire extends WithUnknown {
  readonly tensor?: TensorTypeWire;
  readonly sparseTensor?: TensorTypeWire;
  readonly sequence?: ElementWire;
  readonly optional?: ElementWire;
  readonly map?: MapWire;
  readonly denotation?: string;
}

const dimMessage: Message<DimWire> = message({
  value: optional(1, sizeValue),
  param: optional(2, stringValue),
});
const shapeMessage: Message<ShapeWire> = message({ dims: repeated(1, dimMessage) });
const tensorTypeMessage: Message<TensorTypeWire> = message({
  elementType: field(1, sizeValue, 0),
  shape: optional(2, shapeMessage),
});
const elementMessage: Message<ElementWire> = message({
  element: optional(
    1,
    lazy(() => typeMessage),
  ),
});
const mapMessage: Message<MapWire> = message({
  keyType: field(1, sizeValue, 0),
  valueType: optional(
    2,
    lazy(() => typeMessage),
  ),
});
const typeWire: Message<TypeWire> = message({
  tensor: optional(1, tensorTypeMessage),
  sequence: optional(4, elementMessage),
  map: optional(5, mapMessage),
  denotation: optional(6, stringValue),
  sparseTensor: optional(8, tensorTypeMessage),
  optional: optional(9, elementMessage),
});

function nestedUnknown(element: WithUnknown, shape: ShapeWire | undefined): OnnxTypeUnknown | undefined {
  const dims = (shape?.dims ?? []).flatMap((dim, axis) =>
    dim.unknown === undefined ? [] : [[axis, dim.unknown] as const],
  );
  if (element.unknown === undefined && shape?.unknown === undefined && dims.length === 0) return undefined;
  return {
    ...(element.unknown === undefined ? {} : { element: element.unknown }),
    ...(shape?.unknown === undefined ? {} : { shape: shape.unknown }),
    ...(dims.length === 0 ? {} : { dims: Object.fromEntries(dims) }),
  };
}

const opaqueType: OnnxType = { kind: 'opaque' };

function typeFromWire(wire: TypeWire): OnnxType {
  const inner = wire.tensor ?? wire.sparseTensor ?? wire.sequence ?? wire.optional ?? wire.map;
  const shape = (wire.tensor ?? wire.sparseTensor)?.shape;
  const nested = inner === undefined ? undefined : nestedUnknown(inner, shape);
  const common = {
    ...(wire.denotation === undefined ? {} : { denotation: wire.denotation }),
    ...(nested === undefined ? {} : { nestedUnknown: nested }),
    ...(wire.unknown === undefined ? {} : { unknown: wire.unknown }),
  };
  const tensor = wire.tensor ?? wire.sparseTensor;
  if (tensor !== undefined) {
    return {
      kind: wire.tensor === undefined ? 'sparseTensor' : 'tensor',
      dataType: dataTypeInFile(tensor.elementType),
      ...(shape === undefined ? {} : { dims: shape.dims.map((dim) => dim.value ?? (dim.param || null)) }),
      ...common,
    };
  }
  const element = wire.sequence ?? wire.optional;
  if (element !== undefined) {
    const kind = wire.sequence === undefined ? 'optional' : 'sequence';
    return { kind, element: element.element ?? opaqueType, ...common };
  }
  if (wire.map !== undefined) {
    const keyType = dataTypeInFile(wire.map.keyType);
    return { kind: 'map', keyType, valueType: wire.map.valueType ?? opaqueType, ...common };
  }
  return { kind: 'opaque', ...common };
}

function withUnknown<T extends object>(value: T, unknown: Uint8Array | undefined): T & WithUnknown {
  return unknown === undefined ? value : { ...value, unknown };
}

function dimToWire(dim: OnnxDim, unknown: Uint8Array | undefined): DimWire {
  if (dim === null) return withUnknown({}, unknown);
  return withUnknown(typeof dim === 'number' ? { value: dim } : { param: dim }, unknown);
}

function typeToWire(type: OnnxType): TypeWire {
  const common = {
    ...(type.denotation === undefined ? {} : { denotation: type.denotation }),
    ...(type.unknown === undefined ? {} : { unknown: type.unknown }),
  };
  const nested = type.nestedUnknown;
  switch (type.kind) {
    case 'opaque':
      return common;
    case 'sequence':
    case 'optional':
      return { ...common, [type.kind]: withUnknown({ element: type.element }, nested?.element) };
    case 'map': {
      const map = { keyType: dataTypeCode(type.keyType), valueType: type.valueType };
      return { ...common, map: withUnknown(map, nested?.element) };
    }
    case 'tensor':
    case 'sparseTensor': {
      const dims = type.dims?.map((dim, axis) => dimToWire(dim, nested?.dims?.[axis]));
      const shape = dims === undefined ? {} : { shape: withUnknown({ dims }, nested?.shape) };
      const tensor = { elementType: dataTypeCode(type.dataType), ...shape };
      return { ...common, [type.kind]: withUnknown(tensor, nested?.element) };
    }
    default:
      return type satisfies never;
  }
}

/** TypeProto. */
const typeMessage: WireValue<OnnxType> = converted(typeWire, typeFromWire, typeToWire);

const opsetMessage: Message<OnnxOpset> = message({
  domain: field(1, stringValue, ''),
  version: field(2, sizeValue, 0),
});

const valueInfoMessage: Message<OnnxValueInfo> = message({
  name: field(1, stringValue, ''),
  type: optional(2, typeMessage),
  docString: optional(3, stringValue),
  metadata: optionalRepeated(4, metadataMessage),
});

const lazyGraph: WireValue<OnnxGraph> = lazy(() => graphMessage);

const nodeMessage: Message<OnnxNode> = message({
  inputs: repeated(1, stringValue),
  outputs: repeated(2, stringValue),
  name: field(3, stringValue, ''),
  opType: field(4, stringValue, ''),
  domain: field(7, stringValue, ''),
  overload: optional(8, stringValue),
  attributes: attributesField(5, lazyGraph, typeMessage),
  docString: optional(6, stringValue),
  metadata: optionalRepeated(9, metadataMessage),
});

/** Number of `initializer` in GraphProto, and of `graph` in ModelProto: `encode.ts` writes these two itself. */
export const initializerField = 5;
export const graphField = 7;

/** GraphProto. */
export const graphMessage: Message<OnnxGraph> = message({
  name: field(2, stringValue, ''),
  inputs: repeated(11, valueInfoMessage),
  outputs: repeated(12, valueInfoMessage),
  valueInfos: optionalRepeated(13, valueInfoMessage),
  nodes: repeated(1, nodeMessage),
  initializers: repeated(initializerField, tensorMessage),
  sparseInitializers: optionalRepeated(15, sparseTensorMessage),
  docString: optional(10, stringValue),
  metadata: optionalRepeated(16, metadataMessage),
});

/** An optional record of attributes: absent when empty. */
function defaultsField(number: number): Field<OnnxFunction['attributeDefaults']> {
  const attributes = attributesField(number, lazyGraph, typeMessage);
  return {
    number,
    initial: () => undefined,
    read: (reader, wireType, current) => attributes.read(reader, wireType, current ?? {}),
    write: (writer, value) => attributes.write(writer, value),
  };
}

const functionMessage: Message<OnnxFunction> = message({
  name: field(1, stringValue, ''),
  domain: field(10, stringValue, ''),
  overload: optional(13, stringValue),
  inputs: repeated(4, stringValue),
  outputs: repeated(5, stringValue),
  attributeNames: optionalRepeated(6, stringValue),
  attributeDefaults: defaultsField(11),
  nodes: repeated(7, nodeMessage),
  opsets: repeated(9, opsetMessage),
  valueInfos: optionalRepeated(12, valueInfoMessage),
  docString: optional(8, stringValue),
  metadata: optionalRepeated(14, metadataMessage),
});

/** Stands for an absent graph; compared by identity. */
export const emptyGraph: OnnxGraph = { name: '', nodes: [], inputs: [], outputs: [], initializers: [] };

/** ModelProto. */
export const modelMessage: Message<OnnxModel> = message({
  irVersion: field(1, sizeValue, 0),
  producerName: optional(2, stringValue),
  producerVersion: optional(3, stringValue),
  domain: optional(4, stringValue),
  modelVersion: optional(5, intValue),
  docString: optional(6, stringValue),
  opsets: repeated(8, opsetMessage),
  graph: field(graphField, graphMessage, emptyGraph),
  functions: optionalRepeated(25, functionMessage),
  metadata: optionalRepeated(14, metadataMessage),
});
