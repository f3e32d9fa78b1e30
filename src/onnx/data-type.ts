/**
 * ONNX element types: our name, the number on the wire, and the typed array that holds the values. Types that
 * JavaScript has no array for keep their bits: 16-bit floats in a Uint16Array, 8-bit floats in a Uint8Array, 2- and
 * 4-bit types packed in a Uint8Array as ONNX packs them (first element in the low bits).
 */

export type NumericArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array;

/** Name of an element type. */
export type OnnxDataType =
  | 'float32'
  | 'uint8'
  | 'int8'
  | 'uint16'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'string'
  | 'bool'
  | 'float16'
  | 'float64'
  | 'uint32'
  | 'uint64'
  | 'complex64'
  | 'complex128'
  | 'bfloat16'
  | 'float8e4m3fn'
  | 'float8e4m3fnuz'
  | 'float8e5m2'
  | 'float8e5m2fnuz'
  | 'uint4'
  | 'int4'
  | 'float4e2m1'
  | 'float8e8m0'
  | 'uint2'
  | 'int2'
  | 'undefined';

interface NumericArrayConstructor {
  readonly BYTES_PER_ELEMENT: number;
  new (length: number): NumericArray;
  new (buffer: ArrayBufferLike, byteOffset?: number, length?: number): NumericArray;
}

interface DataTypeRow {
  readonly code: number;
  /** Size of an element in bits; 0 for strings. */
  readonly bits: number;
  readonly array: NumericArrayConstructor;
}

function row(code: number, bits: number, array: NumericArrayConstructor): DataTypeRow {
  return { code, bits, array };
}

const rows: Readonly<Record<OnnxDataType, DataTypeRow>> = {
  float32: row(1, 32, Float32Array),
  uint8: row(2, 8, Uint8Array),
  int8: row(3, 8, Int8Array),
  uint16: row(4, 16, Uint16Array),
  int16: row(5, 16, Int16Array),
  int32: row(6, 32, Int32Array),
  int64: row(7, 64, BigInt64Array),
  string: row(8, 0, Uint8Array),
  /** One byte per element, 0 or 1. */
  bool: row(9, 8, Uint8Array),
  float16: row(10, 16, Uint16Array),
  float64: row(11, 64, Float64Array),
  uint32: row(12, 32, Uint32Array),
  uint64: row(13, 64, BigUint64Array),
  /** Real and imaginary part interleaved: twice as many numbers as elements. */
  complex64: row(14, 64, Float32Array),
  complex128: row(15, 128, Float64Array),
  bfloat16: row(16, 16, Uint16Array),
  float8e4m3fn: row(17, 8, Uint8Array),
  float8e4m3fnuz: row(18, 8, Uint8Array),
  float8e5m2: row(19, 8, Uint8Array),
  float8e5m2fnuz: row(20, 8, Uint8Array),
  uint4: row(21, 4, Uint8Array),
  int4: row(22, 4, Uint8Array),
  float4e2m1: row(23, 4, Uint8Array),
  float8e8m0: row(24, 8, Uint8Array),
  uint2: row(25, 2, Uint8Array),
  int2: row(26, 2, Uint8Array),
  /** Seen in the wild where an exporter did not know the type. */
  undefined: row(0, 8, Uint8Array),
};

/** All element types. */
export const onnxDataTypes: readonly OnnxDataType[] = Object.keys(rows) as OnnxDataType[];

const namesByCode: ReadonlyMap<number, OnnxDataType> = new Map(
  onnxDataTypes.map((name) => [rows[name].code, name]),
);

/** Number that ONNX uses for the type, for example in Cast's `to`. */
export function dataTypeCode(type: OnnxDataType): number {
  return rows[type].code;
}

/** Name for a number on the wire, or `undefined` for a number that ONNX had not given out when this was written. */
export function dataTypeOfCode(code: number): OnnxDataType | undefined {
  return namesByCode.get(code);
}

/** Length of the typed array that holds `elements` values: differs from it for packed and for complex types. */
export function arrayLength(type: OnnxDataType, elements: number): number {
  const { bits, array } = rows[type];
  return Math.ceil((elements * bits) / 8 / array.BYTES_PER_ELEMENT);
}

/** Bytes of the typed array that holds `elements` values. */
export function byteLength(type: OnnxDataType, elements: number): number {
  return arrayLength(type, elements) * rows[type].array.BYTES_PER_ELEMENT;
}

/** A zeroed typed array for `elements` values. */
export function allocateArray(type: OnnxDataType, elements: number): NumericArray {
  return new rows[type].array(arrayLength(type, elements));
}

/** The bytes as the type's array; a view where alignment allows, else a copy. */
export function arrayFromBytes(type: OnnxDataType, bytes: Uint8Array): NumericArray {
  const { array } = rows[type];
  const size = array.BYTES_PER_ELEMENT;
  const aligned = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
  return new array(aligned.buffer, aligned.byteOffset, Math.floor(bytes.byteLength / size));
}

/** Type that a typed array holds when nothing else is said. */
export function dataTypeOfArray(data: NumericArray): OnnxDataType {
  const name = data.constructor.name;
  const found = onnxDataTypes.find((type) => type !== 'string' && rows[type].array.name === name);
  return found ?? 'uint8';
}
