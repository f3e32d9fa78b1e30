/** Models in files: read with their external data, written whole or not at all, big weights into a second file. */
import { closeSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { UserError } from '../ir/errors.ts';
import { decodeModel } from './decode.ts';
import { checkModelSize, encodeModelChunks } from './encode.ts';
import type { OnnxMetadata, OnnxModel, OnnxTensor } from './model.ts';
import { bytesOf, isNumeric } from './tensor-codec.ts';

export interface WriteModelOptions {
  /** When the weights have more bytes than this, they go to `<name>.data` beside the model. Default 1.5 GiB. */
  readonly externalAboveBytes?: number;
}

/** Weights smaller than this stay in the model. */
const minExternalBytes = 1024;

/** Offsets in the data file are multiples of this, so that a runtime can map single tensors into memory. */
const pageBytes = 4096;

/** Node refuses to write 2 GiB at once. */
const writeBytes = 2 ** 30;

/** The model in a file. @throws UserError FG3101 when it cannot be read; see `decodeModel`. */
export function readModelFile(path: string): OnnxModel {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw new UserError(`cannot read ${path}: ${(cause as Error).message}`, {
      code: 'FG3101',
      hint: 'Give the path of an .onnx file.',
      cause,
    });
  }
  return decodeModel(bytes, { externalDataDir: dirname(path), name: basename(path) });
}

/** Runs `write` on a temporary file that takes the place of `path` only when everything is written. */
function writeWhole(path: string, write: (append: (bytes: Uint8Array) => void) => void): void {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const file = openSync(temporary, 'w');
    try {
      write((bytes) => {
        for (let done = 0; done < bytes.length;)
          done += writeSync(file, bytes, done, Math.min(writeBytes, bytes.length - done));
      });
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw new UserError(`cannot write ${path}: ${(cause as Error).message}`, {
      code: 'FG3106',
      hint: 'Free some space or choose a folder that you may write to.',
      cause,
    });
  }
}

/** Writes the weights of a model one behind the other and says where each went. */
function writeExternalData(path: string, tensors: readonly OnnxTensor[]): Map<OnnxTensor, OnnxMetadata[]> {
  const places = new Map<OnnxTensor, OnnxMetadata[]>();
  writeWhole(path, (append) => {
    let offset = 0;
    for (const tensor of tensors) {
      if (!isNumeric(tensor.data) || tensor.data.byteLength < minExternalBytes) continue;
      const bytes = bytesOf(tensor.data);
      const start = Math.ceil(offset / pageBytes) * pageBytes;
      append(new Uint8Array(start - offset));
      append(bytes);
      offset = start + bytes.length;
      places.set(tensor, [
        { key: 'location', value: basename(path) },
        { key: 'offset', value: String(start) },
        { key: 'length', value: String(bytes.length) },
      ]);
    }
  });
  return places;
}

/**
 * Writes a model; weights go to the file system from their own memory. A reader of `path` sees the old file or the new.
 * @throws FG3106 when the file cannot be written, FG3105 when the model without its
 * external weights exceeds protobuf's 2 GiB.
 */
export function writeModelFile(path: string, model: OnnxModel, options: WriteModelOptions = {}): void {
  const { externalAboveBytes = 1.5 * 2 ** 30 } = options;
  const { initializers } = model.graph;
  const weightBytes = initializers.reduce(
    (sum, tensor) => sum + (isNumeric(tensor.data) ? tensor.data.byteLength : 0),
    0,
  );
  let places: ReadonlyMap<OnnxTensor, OnnxMetadata[]> | undefined;
  if (weightBytes > externalAboveBytes)
    places = writeExternalData(join(dirname(path), `${basename(path)}.data`), initializers);
  const { chunks, sizeBytes } = encodeModelChunks(model, (tensor) => places?.get(tensor));
  checkModelSize(sizeBytes);
  writeWhole(path, (append) => {
    for (const chunk of chunks) append(chunk);
  });
}
