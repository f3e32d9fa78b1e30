/**
 * ZIP archives, as far as .npz needs them: read through the central directory (stored and deflated entries, ZIP64),
 * written deflated, with a fixed date so that equal contents give equal bytes. Format: PKWARE APPNOTE 6.3.
 */
import { crc32, deflateRawSync, inflateRawSync } from 'node:zlib';
import { UserError } from '../ir/errors.ts';

const localSignature = 0x04034b50;
const centralSignature = 0x02014b50;
const endSignature = 0x06054b50;
const end64Signature = 0x06064b50;
const locator64Signature = 0x07064b50;
const max32 = 0xffffffff;
/** 1980-01-01, the first day that ZIP knows. */
const fixedDate = 0x21;
/** Names are UTF-8. */
const utf8Flag = 0x800;

function damaged(message: string): UserError {
  return new UserError(`not a readable .npz file: ${message}`, {
    code: 'FG3108',
    hint: 'Write it with numpy.savez.',
  });
}

interface Directory {
  readonly entries: number;
  readonly offset: number;
}

function findDirectory(view: DataView): Directory {
  const first = Math.max(0, view.byteLength - 22 - 0xffff);
  for (let at = view.byteLength - 22; at >= first; at--) {
    if (view.getUint32(at, true) !== endSignature) continue;
    const entries = view.getUint16(at + 10, true);
    const offset = view.getUint32(at + 16, true);
    const hasLocator = at >= 20 && view.getUint32(at - 20, true) === locator64Signature;
    if ((offset !== max32 && entries !== 0xffff) || !hasLocator) return { entries, offset };
    const end64 = Number(view.getBigUint64(at - 12, true));
    if (view.getUint32(end64, true) !== end64Signature) throw damaged('its ZIP64 directory is missing');
    return {
      entries: Number(view.getBigUint64(end64 + 32, true)),
      offset: Number(view.getBigUint64(end64 + 48, true)),
    };
  }
  throw damaged('it has no ZIP directory');
}

/** Sizes and offset of an entry; those that do not fit 32 bits are in an extra field, in this order. */
function wideFields(view: DataView, at: number, nameLength: number, extraLength: number): number[] {
  const fields = [
    view.getUint32(at + 24, true),
    view.getUint32(at + 20, true),
    view.getUint32(at + 42, true),
  ];
  const end = at + 46 + nameLength + extraLength;
  for (let extra = at + 46 + nameLength; extra + 4 <= end; extra += 4 + view.getUint16(extra + 2, true)) {
    if (view.getUint16(extra, true) !== 1) continue;
    let next = extra + 4;
    return fields.map((value) => {
      if (value !== max32) return value;
      next += 8;
      return Number(view.getBigUint64(next - 8, true));
    });
  }
  return fields;
}

function readEntries(bytes: Uint8Array): Map<string, Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const files = new Map<string, Uint8Array>();
  let { entries, offset: at } = findDirectory(view);
  for (; entries > 0; entries--) {
    if (view.getUint32(at, true) !== centralSignature) throw damaged('its ZIP directory is damaged');
    const method = view.getUint16(at + 10, true);
    const crc = view.getUint32(at + 16, true);
    const nameLength = view.getUint16(at + 28, true);
    const extraLength = view.getUint16(at + 30, true);
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength));
    const [size, stored, local] = wideFields(view, at, nameLength, extraLength) as [number, number, number];
    if (view.getUint32(local, true) !== localSignature)
      throw damaged(`entry ${name} is not where it should be`);
    const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    const packed = bytes.subarray(start, start + stored);
    if (method !== 0 && method !== 8) throw damaged(`entry ${name} is compressed by method ${method}`);
    const file =
      method === 0 ? packed : new Uint8Array(inflateRawSync(packed, { maxOutputLength: Math.max(size, 1) }));
    if (file.length !== size || crc32(file) !== crc) throw damaged(`entry ${name} is damaged`);
    files.set(name, file);
    at += 46 + nameLength + extraLength + view.getUint16(at + 32, true);
  }
  return files;
}

/** The files of an archive by name. @throws UserError FG3108 */
export function readZip(bytes: Uint8Array): Map<string, Uint8Array> {
  try {
    return readEntries(bytes);
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    throw damaged(cause instanceof Error ? cause.message : String(cause));
  }
}

interface HeaderFields {
  readonly signature: number;
  readonly length: number;
  readonly name: Uint8Array;
  readonly file: Uint8Array;
  readonly packed: Uint8Array;
}

/** What local and central headers have in common, from the version needed to the extra length. */
function header({ signature, length, name, file, packed }: HeaderFields): DataView {
  const view = new DataView(new ArrayBuffer(length));
  const shift = signature === centralSignature ? 2 : 0;
  view.setUint32(0, signature, true);
  view.setUint16(4, 20, true);
  view.setUint16(4 + shift, 20, true);
  view.setUint16(6 + shift, utf8Flag, true);
  view.setUint16(8 + shift, 8, true);
  view.setUint16(12 + shift, fixedDate, true);
  view.setUint32(14 + shift, crc32(file), true);
  view.setUint32(18 + shift, packed.length, true);
  view.setUint32(22 + shift, file.length, true);
  view.setUint16(26 + shift, name.length, true);
  return view;
}

/** An archive of files below 4 GiB; equal files give equal bytes. */
export function writeZip(files: ReadonlyMap<string, Uint8Array>): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  for (const [fileName, file] of files) {
    const name = new TextEncoder().encode(fileName);
    const packed = deflateRawSync(file);
    const local = header({ signature: localSignature, length: 30, name, file, packed });
    const central = header({ signature: centralSignature, length: 46, name, file, packed });
    central.setUint32(42, offset, true);
    parts.push(new Uint8Array(local.buffer), name, packed);
    directory.push(new Uint8Array(central.buffer), name);
    offset += 30 + name.length + packed.length;
  }
  const directoryBytes = directory.reduce((sum, part) => sum + part.length, 0);
  if (offset + directoryBytes > max32) throw damaged('it would have more than 4 GiB');
  const end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, endSignature, true);
  end.setUint16(8, files.size, true);
  end.setUint16(10, files.size, true);
  end.setUint32(12, directoryBytes, true);
  end.setUint32(16, offset, true);
  return new Uint8Array(Buffer.concat([...parts, ...directory, new Uint8Array(end.buffer)]));
}
