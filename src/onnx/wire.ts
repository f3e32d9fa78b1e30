/**
 * A protobuf message described as a table of fields, used in both directions, over the wire reader and writer of
 * @bufbuild/protobuf. Differs from generated messages in three ways: messages are the plain types of `model.ts`,
 * fields nobody described are kept as their original bytes, and packed and unpacked numbers are both understood.
 */
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { OnnxInt, WithUnknown } from './model.ts';

/** A reader that still has its bytes at hand, and knows where tensors keep external data. */
export class WireReader extends BinaryReader {
  readonly source: Uint8Array;
  /** Depth of nested messages; a damaged file must not overflow the stack. */
  depth = 0;
  readonly loadExternal: LoadExternal | undefined;

  constructor(source: Uint8Array, loadExternal?: LoadExternal) {
    // Not a Buffer: its `slice` does not copy.
    const plain = new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
    super(plain);
    this.source = plain;
    this.loadExternal = loadExternal;
  }
}

/** Reads tensor data that is kept in another file. */
export type LoadExternal = (entries: ReadonlyMap<string, string>, tensorName: string) => Uint8Array;

/** How one value is read and written, without its tag. */
export interface WireValue<V> {
  readonly wireType: WireType;
  read(reader: WireReader): V;
  write(writer: BinaryWriter, value: V): void;
}

/** A field of a message: its number, and how values accumulate. */
export interface Field<V> {
  readonly number: number;
  /** Value of a field that does not occur; `undefined` leaves the key absent. */
  initial(): V;
  /** @returns the new value of the field, or `undefined` when the wire type is not one of ours. */
  read(reader: WireReader, wireType: WireType, current: V): V | undefined;
  write(writer: BinaryWriter, value: NonNullable<V>): void;
}

/** One field for each key of a message. */
export type Fields<T> = { readonly [K in keyof Omit<T, 'unknown'>]-?: Field<T[K]> };

const maxDepth = 100;

/** Keeps an INT64 a number where that is exact. */
export function toInt(value: bigint | string): OnnxInt {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : BigInt(value);
}

export const stringValue: WireValue<string> = {
  wireType: WireType.LengthDelimited,
  read: (reader) => reader.string(),
  write: (writer, value) => writer.string(value),
};
export const bytesValue: WireValue<Uint8Array> = {
  wireType: WireType.LengthDelimited,
  read: (reader) => reader.bytes(),
  write: (writer, value) => writer.bytes(value),
};
export const intValue: WireValue<OnnxInt> = {
  wireType: WireType.Varint,
  read: (reader) => toInt(reader.int64()),
  write: (writer, value) => writer.int64(value),
};
/** An INT64 that is a size, a version or an enum: always a number. */
export const sizeValue: WireValue<number> = {
  wireType: WireType.Varint,
  read: (reader) => Number(reader.int64()),
  write: (writer, value) => writer.int64(value),
};
export const floatValue: WireValue<number> = {
  wireType: WireType.Bit32,
  read: (reader) => reader.float(),
  write: (writer, value) => writer.float(value),
};
export const doubleValue: WireValue<number> = {
  wireType: WireType.Bit64,
  read: (reader) => reader.double(),
  write: (writer, value) => writer.double(value),
};
export const uintValue: WireValue<bigint> = {
  wireType: WireType.Varint,
  read: (reader) => BigInt(reader.uint64()),
  write: (writer, value) => writer.uint64(value),
};

function writeField<V>(writer: BinaryWriter, number: number, value: WireValue<V>, item: V): void {
  writer.tag(number, value.wireType);
  value.write(writer, item);
}

/** A field that counts as absent when it equals `absent`; never written then. */
export function field<V>(number: number, value: WireValue<V>, absent: V): Field<V> {
  return {
    number,
    initial: () => absent,
    read: (reader, wireType) => (wireType === value.wireType ? value.read(reader) : undefined),
    write(writer, item) {
      if (item !== absent) writeField(writer, number, value, item);
    },
  };
}

/** A field whose presence matters: absent from the object when absent from the bytes. */
export function optional<V>(number: number, value: WireValue<V>): Field<V | undefined> {
  return {
    number,
    initial: () => undefined,
    read: (reader, wireType) => (wireType === value.wireType ? value.read(reader) : undefined),
    write: (writer, item) => writeField(writer, number, value, item),
  };
}

function readItems<V>(reader: WireReader, wireType: WireType, value: WireValue<V>, items: V[]): boolean {
  if (wireType === value.wireType) {
    items.push(value.read(reader));
    return true;
  }
  if (wireType !== WireType.LengthDelimited) return false;
  const end = endOfLengthDelimited(reader);
  while (reader.pos < end) items.push(value.read(reader));
  return true;
}

/** A list; numbers are written unpacked, as ONNX declares them. */
export function repeated<V>(number: number, value: WireValue<V>): Field<readonly V[]> {
  return {
    number,
    initial: () => [],
    // The list under construction is ours until the message is returned.
    read: (reader, wireType, current) =>
      readItems(reader, wireType, value, current as V[]) ? current : undefined,
    write(writer, items) {
      for (const item of items) writeField(writer, number, value, item);
    },
  };
}

/** A list that is absent from the object when it is empty. */
export function optionalRepeated<V>(number: number, value: WireValue<V>): Field<readonly V[] | undefined> {
  const list = repeated(number, value);
  return {
    number,
    initial: () => undefined,
    read: (reader, wireType, current) => list.read(reader, wireType, current ?? []),
    write: (writer, items) => list.write(writer, items),
  };
}

function endOfLengthDelimited(reader: WireReader): number {
  const length = reader.uint32();
  const end = reader.pos + length;
  if (end > reader.len) throw new RangeError(`length ${length} at byte ${reader.pos} runs past the end`);
  return end;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** A message without its length. */
export interface Message<T> extends WireValue<T> {
  /** Reads up to `end`. */
  readFields(reader: WireReader, end: number): T;
  writeFields(writer: BinaryWriter, value: T): void;
}

/** Describes a message; fields are written in the order of the table. */
export function message<T extends WithUnknown>(fields: Fields<T>): Message<T> {
  const table = Object.entries<Field<unknown>>(fields as Record<string, Field<unknown>>);
  const byNumber = new Map(table.map(([key, description]) => [description.number, { key, description }]));

  const readFields = (reader: WireReader, end: number): T => {
    if (++reader.depth > maxDepth) throw new RangeError('messages are nested too deeply');
    const result: Record<string, unknown> = {};
    const unknown: Uint8Array[] = [];
    for (const [key, description] of table) {
      const initial = description.initial();
      if (initial !== undefined) result[key] = initial;
    }
    while (reader.pos < end) {
      const start = reader.pos;
      const [number, wireType] = reader.tag();
      const known = byNumber.get(number);
      const value = known?.description.read(reader, wireType, result[known.key]);
      if (known !== undefined && value !== undefined) {
        result[known.key] = value;
      } else {
        reader.skip(wireType, number);
        unknown.push(reader.source.subarray(start, reader.pos));
      }
    }
    if (reader.pos !== end) throw new RangeError(`a message ends at byte ${reader.pos}, expected ${end}`);
    if (unknown.length > 0) result['unknown'] = concat(unknown);
    reader.depth--;
    return result as T;
  };

  const writeFields = (writer: BinaryWriter, value: T): void => {
    for (const [key, description] of table) {
      const item = (value as Record<string, unknown>)[key];
      if (item !== undefined && item !== null) description.write(writer, item);
    }
    if (value.unknown !== undefined) writer.raw(value.unknown);
  };

  return {
    wireType: WireType.LengthDelimited,
    readFields,
    writeFields,
    read: (reader) => readFields(reader, endOfLengthDelimited(reader)),
    write(writer, value) {
      writer.fork();
      writeFields(writer, value);
      writer.join();
    },
  };
}

/** A value that is another value on the wire. */
export function converted<W, V>(
  wire: WireValue<W>,
  fromWire: (value: W, reader: WireReader) => V,
  toWire: (value: V) => W,
): WireValue<V> {
  return {
    wireType: wire.wireType,
    read: (reader) => fromWire(wire.read(reader), reader),
    write: (writer, value) => wire.write(writer, toWire(value)),
  };
}

/** Breaks the cycle of messages that contain themselves. */
export function lazy<V>(value: () => WireValue<V>): WireValue<V> {
  return {
    wireType: WireType.LengthDelimited,
    read: (reader) => value().read(reader),
    write: (writer, item) => value().write(writer, item),
  };
}
