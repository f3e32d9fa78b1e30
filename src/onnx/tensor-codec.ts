/**
 * TensorProto ↔ `OnnxTensor`. On the wire a tensor's values stand in `raw_data`, in one of five typed lists, or in
 * another file; as plain data they are always one typed array. We write `raw_data`, or a reference to a file.
 */
import { UserError } from '../ir/errors.ts';
import type { NumericArray, OnnxDataType } from './data-type.ts';
import { allocateArray, arrayFromBytes, arrayLength, dataTypeCode, dataTypeOfCode } from './data-type.ts';
import type { OnnxMetadata, OnnxSparseTensor, OnnxString, OnnxTensor, WithUnknown } from './model.ts';
import type { LoadExternal, Message, WireValue } from './wire.ts';
import {
  bytesValue,
  converted,
  doubleValue,
  field,
  floatValue,
  intValue,
  message,
  optional,
  optionalRepeated,
  repeated,
  sizeValue,
  stringValue,
  uintValue,
} from './wire.ts';

/** StringStringEntryProto. */
export const metadataMessage: Message<OnnxMetadata> = message({
  key: field(1, stringValue, ''),
  value: field(2, stringValue, ''),
});

/** TensorProto, field by field. */
export interface TensorWire extends WithUnknown {
  readonly dims: readonly number[];
  readonly dataType: number;
  readonly floatData?: readonly number[];
  readonly int32Data?: readonly number[];
  readonly stringData?: readonly Uint8Array[];
  readonly int64Data?: readonly (number | bigint)[];
  readonly name: string;
  readonly docString?: string;
  readonly rawData?: Uint8Array;
  readonly doubleData?: readonly number[];
  readonly uint64Data?: readonly bigint[];
  readonly externalData?: readonly OnnxMetadata[];
  /** 1: the values are in another file. */
  readonly dataLocation: number;
  readonly metadata?: readonly OnnxMetadata[];
}

export const tensorWire: Message<TensorWire> = message({
  dims: repeated(1, sizeValue),
  dataType: field(2, sizeValue, 0),
  name: field(8, stringValue, ''),
  docString: optional(12, stringValue),
  floatData: optionalRepeated(4, floatValue),
  int32Data: optionalRepeated(5, sizeValue),
  stringData: optionalRepeated(6, bytesValue),
  int64Data: optionalRepeated(7, intValue),
  doubleData: optionalRepeated(10, doubleValue),
  uint64Data: optionalRepeated(11, uintValue),
  externalData: optionalRepeated(13, metadataMessage),
  dataLocation: field(14, sizeValue, 0),
  metadata: optionalRepeated(16, metadataMessage),
  rawData: optional(9, bytesValue),
});

/** Field number of `raw_data` in TensorProto. */
export const rawDataField = 9;

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const utf8 = new TextEncoder();

/** Text where the bytes are UTF-8, else the bytes. */
export function decodeString(bytes: Uint8Array): OnnxString {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return bytes.slice();
  }
}

export function encodeString(value: OnnxString): Uint8Array {
  return typeof value === 'string' ? utf8.encode(value) : value;
}

/** Number of elements of a tensor. */
export function tensorElements(dims: readonly number[]): number {
  return dims.reduce((count, size) => count * size, 1);
}

/** The numbers of a tensor as bytes, without a copy. */
export function bytesOf(data: NumericArray): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Name of an element type found in a file. @throws UserError FG3102 for a type we do not know. */
export function dataTypeInFile(code: number): OnnxDataType {
  const type = dataTypeOfCode(code);
  if (type !== undefined) return type;
  throw new UserError(`ONNX element type ${code} is not known to this version`, {
    code: 'FG3102',
    hint: 'Update fullgraph, or convert the model to ONNX opset 26 or lower.',
  });
}

function typedList(wire: TensorWire): readonly (number | bigint)[] {
  return wire.floatData ?? wire.int32Data ?? wire.int64Data ?? wire.doubleData ?? wire.uint64Data ?? [];
}

function fromTypedList(type: OnnxDataType, wire: TensorWire, elements: number): NumericArray {
  const list = typedList(wire);
  const length = arrayLength(type, elements);
  if (list.length !== length) throw wrongLength(wire.name, list.length, length);
  const array = allocateArray(type, elements);
  if (array instanceof BigInt64Array || array instanceof BigUint64Array) {
    for (const [index, value] of list.entries()) array[index] = BigInt(value);
  } else {
    for (const [index, value] of list.entries()) array[index] = Number(value);
  }
  return array;
}

function wrongLength(name: string, found: number, needed: number): UserError {
  return new UserError(`tensor ${name || '(unnamed)'} holds ${found} values, its dims ask for ${needed}`, {
    code: 'FG3103',
    hint: 'Write the model again: the file is damaged.',
  });
}

function readData(
  wire: TensorWire,
  type: OnnxDataType,
  loadExternal: LoadExternal | undefined,
): OnnxTensor['data'] {
  const elements = tensorElements(wire.dims);
  if (type === 'string') {
    const strings = (wire.stringData ?? []).map(decodeString);
    if (strings.length !== elements) throw wrongLength(wire.name, strings.length, elements);
    return strings;
  }
  let bytes = wire.rawData;
  if (wire.dataLocation === 1) {
    const entries = new Map((wire.externalData ?? []).map(({ key, value }) => [key, value]));
    if (loadExternal === undefined) {
      throw new UserError(
        `tensor ${wire.name} is in the file ${entries.get('location')}, next to the model`,
        {
          code: 'FG3104',
          hint: 'Pass the folder of the model as externalDataDir.',
        },
      );
    }
    bytes = loadExternal(entries, wire.name);
  }
  if (bytes === undefined) return fromTypedList(type, wire, elements);
  const array = arrayFromBytes(type, bytes);
  const needed = arrayLength(type, elements);
  if (array.length !== needed) throw wrongLength(wire.name, array.length, needed);
  return array;
}

/** Everything of a tensor but its values. */
export function tensorHeader(tensor: OnnxTensor): TensorWire {
  return {
    name: tensor.name,
    dims: tensor.dims,
    dataType: dataTypeCode(tensor.dataType),
    dataLocation: 0,
    ...(tensor.docString === undefined ? {} : { docString: tensor.docString }),
    ...(tensor.metadata === undefined ? {} : { metadata: tensor.metadata }),
    ...(tensor.unknown === undefined ? {} : { unknown: tensor.unknown }),
  };
}

/** Whether the values are numbers, in a typed array. */
export function isNumeric(data: OnnxTensor['data']): data is NumericArray {
  return !Array.isArray(data);
}

/** TensorProto. Sizes are not checked on the way out; `checkModel` does that. */
export const tensorMessage: WireValue<OnnxTensor> = converted(
  tensorWire,
  (wire, reader): OnnxTensor => {
    const dataType = dataTypeInFile(wire.dataType);
    return {
      name: wire.name,
      dims: wire.dims,
      dataType,
      data: readData(wire, dataType, reader.loadExternal),
      ...(wire.docString === undefined ? {} : { docString: wire.docString }),
      ...(wire.metadata === undefined ? {} : { metadata: wire.metadata }),
      ...(wire.unknown === undefined ? {} : { unknown: wire.unknown }),
    };
  },
  (tensor): TensorWire => ({
    ...tensorHeader(tensor),
    ...(isNumeric(tensor.data)
      ? { rawData: bytesOf(tensor.data) }
      : { stringData: tensor.data.map(encodeString) }),
  }),
);

/** SparseTensorProto. */
export const sparseTensorMessage: Message<OnnxSparseTensor> = message({
  values: field(1, tensorMessage, emptyTensor('float32')),
  indices: field(2, tensorMessage, emptyTensor('int64')),
  dims: repeated(3, sizeValue),
});

function emptyTensor(dataType: OnnxDataType): OnnxTensor {
  return { name: '', dims: [0], dataType, data: allocateArray(dataType, 0) };
}
