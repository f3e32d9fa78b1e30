/** Bytes → `OnnxModel`, for any ONNX file of opset 7-26: bigint-safe, with subgraphs, functions and unknown fields. */
import { FullgraphError, UserError } from '../ir/errors.ts';
import { externalDataReader } from './external-data.ts';
import { modelMessage } from './model-codec.ts';
import type { OnnxModel } from './model.ts';
import { WireReader } from './wire.ts';

export interface DecodeOptions {
  /** Folder of the model's external data files. */
  readonly externalDataDir?: string;
  /** What the bytes are called in messages. */
  readonly name?: string;
}

/**
 * The model; big tensors are views of `bytes` where alignment allows.
 * @throws UserError FG3101 for bytes that are no ONNX model, FG3102-FG3104 for tensors we cannot read.
 */
export function decodeModel(bytes: Uint8Array, options: DecodeOptions = {}): OnnxModel {
  const { externalDataDir, name } = options;
  const reader = new WireReader(
    bytes,
    externalDataDir === undefined ? undefined : externalDataReader(externalDataDir),
  );
  let model: OnnxModel;
  try {
    model = modelMessage.readFields(reader, bytes.length);
  } catch (cause) {
    if (cause instanceof FullgraphError) throw cause;
    throw notAModel(name, cause instanceof Error ? cause.message : String(cause), cause);
  }
  if (model.graph.outputs.length === 0 && model.graph.nodes.length === 0 && model.opsets.length === 0)
    throw notAModel(name, 'no graph in it');
  return model;
}

function notAModel(name: string | undefined, reason: string, cause?: unknown): UserError {
  const what = name === undefined ? 'not a readable ONNX model' : `${name} is not a readable ONNX model`;
  return new UserError(`${what}: ${reason}`, {
    code: 'FG3101',
    hint: 'Check that the file is complete and is an .onnx file, not an archive or a Git LFS pointer.',
    ...(cause === undefined ? {} : { cause }),
  });
}
