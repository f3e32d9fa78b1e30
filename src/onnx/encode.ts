/**
 * `OnnxModel` → bytes. Weights never pass through the protobuf writer: the encoded model is a list of chunks, in which
 * the bytes of a big initializer are the tensor's own memory, and which are joined (or written to a file) once.
 */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { UserError } from '../ir/errors.ts';
import { emptyGraph, graphField, graphMessage, initializerField, modelMessage } from './model-codec.ts';
import type { OnnxMetadata, OnnxModel, OnnxTensor } from './model.ts';
import { bytesOf, isNumeric, rawDataField, tensorHeader, tensorMessage, tensorWire } from './tensor-codec.ts';

/** Above this size an initializer is spliced in instead of written through the encoder. */
const spliceBytes = 1024;

/** Protobuf's limit for one message. */
const maxModelBytes = 2 ** 31 - 1;

/** Where a tensor's values are kept instead, or `undefined` to keep them in the model. */
export type Externalize = (tensor: OnnxTensor, bytes: Uint8Array) => readonly OnnxMetadata[] | undefined;

export interface EncodedModel {
  /** Joined, they are the model. Some are views of the model's own tensors. */
  readonly chunks: readonly Uint8Array[];
  readonly sizeBytes: number;
}

/** Number of bytes of a varint. */
function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++;
  return size;
}

/** The encoded model in pieces; no weight above a kilobyte is copied. */
export function encodeModelChunks(model: OnnxModel, externalize?: Externalize): EncodedModel {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  const push = (chunk: Uint8Array): void => {
    chunks.push(chunk);
    sizeBytes += chunk.length;
  };

  let writer = new BinaryWriter();
  graphMessage.writeFields(writer, { ...model.graph, initializers: [] });
  for (const tensor of model.graph.initializers) {
    writer.tag(initializerField, WireType.LengthDelimited);
    const bytes = isNumeric(tensor.data) ? bytesOf(tensor.data) : undefined;
    const external = bytes && externalize?.(tensor, bytes);
    if (external !== undefined) {
      tensorWire.write(writer, { ...tensorHeader(tensor), dataLocation: 1, externalData: external });
    } else if (bytes === undefined || bytes.length < spliceBytes) {
      tensorMessage.write(writer, tensor);
    } else {
      const header = new BinaryWriter();
      tensorWire.writeFields(header, tensorHeader(tensor));
      const encodedHeader = header.finish();
      writer.uint32(encodedHeader.length + 1 + varintSize(bytes.length) + bytes.length);
      writer.raw(encodedHeader).tag(rawDataField, WireType.LengthDelimited).uint32(bytes.length);
      push(writer.finish());
      push(bytes);
      writer = new BinaryWriter();
    }
  }
  push(writer.finish());

  const head = new BinaryWriter();
  modelMessage.writeFields(head, { ...model, graph: emptyGraph });
  head.tag(graphField, WireType.LengthDelimited).uint32(sizeBytes);
  const start = head.finish();
  return { chunks: [start, ...chunks], sizeBytes: sizeBytes + start.length };
}

function join({ chunks, sizeBytes }: EncodedModel): Uint8Array<ArrayBuffer> {
  checkModelSize(sizeBytes);
  // Every byte is written below; zeroing a hundred megabytes first would cost as much again.
  const { buffer, byteOffset } = Buffer.allocUnsafeSlow(sizeBytes);
  const bytes = new Uint8Array(buffer, byteOffset, sizeBytes);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

/**
 * The model as one array: each weight is copied once.
 * @throws UserError FG3105 when it exceeds protobuf's 2 GiB.
 */
export function encodeModel(model: OnnxModel): Uint8Array<ArrayBuffer> {
  return join(encodeModelChunks(model));
}

export interface SplitModel {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The tensors' own memory, by the location that the model gives for it. */
  readonly externalData: Readonly<Record<string, Uint8Array>>;
}

/** Big enough that its copy costs more than its entry in a table. */
const splitAboveBytes = 65_536;

/**
 * The model for a runtime in this process: big weights are not copied but handed over beside it.
 * @throws UserError FG3105 when what is left exceeds 2 GiB.
 */
export function splitModel(model: OnnxModel): SplitModel {
  const externalData: Record<string, Uint8Array> = {};
  let count = 0;
  const encoded = encodeModelChunks(model, (_, bytes) => {
    if (bytes.length < splitAboveBytes) return undefined;
    const location = `weights-${count++}`;
    externalData[location] = bytes;
    return [
      { key: 'location', value: location },
      { key: 'offset', value: '0' },
      { key: 'length', value: String(bytes.length) },
    ];
  });
  return { bytes: join(encoded), externalData };
}

/** @throws UserError FG3105 */
export function checkModelSize(sizeBytes: number): void {
  if (sizeBytes <= maxModelBytes) return;
  throw new UserError(`the model has ${sizeBytes} bytes, an ONNX file holds at most ${maxModelBytes}`, {
    code: 'FG3105',
    hint: 'Write it with writeModelFile, which moves weights to a second file.',
  });
}
