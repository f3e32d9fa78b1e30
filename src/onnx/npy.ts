/**
 * NumPy's .npy files ↔ tensors without a name. Format: `numpy.lib.format`, versions 1 to 3: a magic number, a Python
 * dict as text, the values. Fortran order and big-endian files are converted.
 */
import { UserError } from '../ir/errors.ts';
import { allocateArray, byteLength, type NumericArray, type OnnxDataType } from './data-type.ts';
import { bytesOf, tensorElements } from './tensor-codec.ts';

/** Values with their sizes, row-major. */
export interface NpyArray {
  readonly dataType: OnnxDataType;
  readonly dims: readonly number[];
  readonly data: NumericArray | readonly string[];
}

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

const typesByDescr: Readonly<Record<string, OnnxDataType>> = {
  b1: 'bool',
  f2: 'float16',
  f4: 'float32',
  f8: 'float64',
  i1: 'int8',
  i2: 'int16',
  i4: 'int32',
  i8: 'int64',
  u1: 'uint8',
  u2: 'uint16',
  u4: 'uint32',
  u8: 'uint64',
  c8: 'complex64',
  c16: 'complex128',
};
const descrByType: ReadonlyMap<OnnxDataType, string> = new Map(
  Object.entries(typesByDescr).map(([descr, type]) => [type, descr]),
);

interface Header {
  readonly descr: string;
  readonly isFortran: boolean;
  readonly dims: readonly number[];
  /** Where the values start. */
  readonly offset: number;
}

function unreadable(message: string): UserError {
  return new UserError(`not a readable .npy file: ${message}`, {
    code: 'FG3107',
    hint: 'Write it with numpy.save, of numbers, bools or strings, not of objects.',
  });
}

function readHeader(bytes: Uint8Array): Header {
  if (bytes.length < 12 || magic.some((byte, index) => bytes[index] !== byte))
    throw unreadable('it does not start with \\x93NUMPY');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isLong = bytes[6]! >= 2;
  const start = isLong ? 12 : 10;
  const offset = start + (isLong ? view.getUint32(8, true) : view.getUint16(8, true));
  if (offset > bytes.length) throw unreadable('it ends in its header');
  const text = new TextDecoder().decode(bytes.subarray(start, offset));
  const descr = /'descr':\s*'([^']*)'/.exec(text)?.[1];
  const order = /'fortran_order':\s*(True|False)/.exec(text)?.[1];
  const shape = /'shape':\s*\(([^)]*)\)/.exec(text)?.[1];
  if (descr === undefined || order === undefined || shape === undefined)
    throw unreadable(`its header is ${text.trim()}`);
  const dims = shape
    .split(',')
    .filter((size) => size.trim() !== '')
    .map(Number);
  if (!dims.every((size) => Number.isSafeInteger(size) && size >= 0))
    throw unreadable(`its shape is (${shape})`);
  return { descr, isFortran: order === 'True', dims, offset };
}

/** Values in row-major order of values in column-major order. */
function fromFortran<T>(
  dims: readonly number[],
  read: (index: number) => T,
  write: (index: number, value: T) => void,
): void {
  const position = dims.map(() => 0);
  const elements = tensorElements(dims);
  for (let index = 0; index < elements; index++) {
    let source = 0;
    for (let axis = dims.length - 1; axis >= 0; axis--) source = source * dims[axis]! + position[axis]!;
    write(index, read(source));
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      position[axis]!++;
      if (position[axis]! < dims[axis]!) break;
      position[axis] = 0;
    }
  }
}

function readStrings(
  values: Uint8Array,
  kind: string,
  width: number,
  elements: number,
  isBig: boolean,
): string[] {
  const view = new DataView(values.buffer, values.byteOffset, values.byteLength);
  return Array.from({ length: elements }, (_, element) => {
    const start = element * width;
    let end = start + width;
    const codeAt = (index: number): number =>
      kind === 'U' ? view.getUint32(index * 4, !isBig) : values[index]!;
    while (end > start && codeAt(end - 1) === 0) end--;
    if (kind === 'S') return new TextDecoder().decode(values.subarray(start, end));
    let text = '';
    for (let index = start; index < end; index++) {
      const code = codeAt(index);
      if (code > 0x10ffff) throw unreadable(`it holds the character ${code}`);
      text += String.fromCodePoint(code);
    }
    return text;
  });
}

/** The array in a .npy file. @throws UserError FG3107 for other bytes, and for arrays of objects. */
export function decodeNpy(file: Uint8Array): NpyArray {
  const { descr, isFortran, dims, offset } = readHeader(file);
  const elements = tensorElements(dims);
  const isBig = descr.startsWith('>');
  const type = descr.replace(/^[<>|=]/, '');
  const values = file.subarray(offset);

  const stringWidth = /^[SU](\d+)$/.exec(type);
  if (stringWidth !== null) {
    const width = Number(stringWidth[1]);
    if (values.length < elements * width * (type[0] === 'U' ? 4 : 1)) throw unreadable('it ends too early');
    const strings = readStrings(values, type[0]!, width, elements, isBig);
    const data = [...strings];
    if (isFortran)
      fromFortran(
        dims,
        (index) => strings[index]!,
        (index, value) => (data[index] = value),
      );
    return { dataType: 'string', dims, data };
  }

  const dataType = typesByDescr[type];
  if (dataType === undefined) throw unreadable(`it holds values of type ${descr}`);
  if (values.length < byteLength(dataType, elements)) throw unreadable('it ends too early');
  const array = allocateArray(dataType, elements);
  const bytes = bytesOf(array);
  bytes.set(values.subarray(0, bytes.length));
  // Complex numbers swap in halves: each half is an element of the array.
  if (isBig) swapBytes(bytes, array.BYTES_PER_ELEMENT);
  if (isFortran && elements > 0) {
    const source = new Uint8Array(bytes);
    const width = bytes.length / elements;
    fromFortran(
      dims,
      (index) => source.subarray(index * width, (index + 1) * width),
      (index, value) => bytes.set(value, index * width),
    );
  }
  return { dataType, dims, data: array };
}

function swapBytes(bytes: Uint8Array, size: number): void {
  for (let start = 0; start < bytes.length; start += size) bytes.subarray(start, start + size).reverse();
}

function encodeStrings(strings: readonly string[]): { readonly descr: string; readonly bytes: Uint8Array } {
  const points = strings.map((text) => Array.from(text, (character) => character.codePointAt(0)!));
  const width = Math.max(1, ...points.map((codes) => codes.length));
  const codes = new Uint32Array(strings.length * width);
  for (const [index, text] of points.entries()) codes.set(text, index * width);
  return { descr: `<U${width}`, bytes: bytesOf(codes) };
}

/**
 * The array as a .npy file of version 1, row-major.
 * @throws UserError FG3107 for types that NumPy has not: bfloat16, 8-bit floats, packed 4-bit types.
 */
export function encodeNpy(array: NpyArray): Uint8Array<ArrayBuffer> {
  let descr: string;
  let bytes: Uint8Array;
  if (array.dataType === 'string') {
    ({ descr, bytes } = encodeStrings(array.data as readonly string[]));
  } else {
    const type = descrByType.get(array.dataType);
    if (type === undefined) {
      throw new UserError(`NumPy has no type for ${array.dataType}`, {
        code: 'FG3107',
        hint: 'Keep the tensor in an .onnx file as an initializer.',
      });
    }
    bytes = bytesOf(array.data as NumericArray);
    descr = `${type.endsWith('1') ? '|' : '<'}${type}`;
  }
  const shape = array.dims.length === 1 ? `${array.dims[0]},` : array.dims.join(', ');
  const dict = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape}), }`;
  // NumPy pads the header with spaces so that the values start at a multiple of 64.
  const headerLength = Math.ceil((10 + dict.length + 1) / 64) * 64 - 10;
  const file = new Uint8Array(10 + headerLength + bytes.length);
  file.set([...magic, 1, 0, headerLength & 0xff, headerLength >> 8]);
  file.set(new TextEncoder().encode(`${dict.padEnd(headerLength - 1)}\n`), 10);
  file.set(bytes, 10 + headerLength);
  return file;
}
