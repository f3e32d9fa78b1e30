/** Reading, writing, building, checking and printing ONNX models; NumPy's files for their inputs. */
export * from './attribute.ts';
export { checkModel, type ModelProblem } from './check.ts';
export * from './data-type.ts';
export { decodeModel, type DecodeOptions } from './decode.ts';
export { encodeModel, encodeModelChunks, splitModel, type EncodedModel, type SplitModel } from './encode.ts';
export * from './graph-writer.ts';
export * from './model.ts';
export { readModelFile, writeModelFile, type WriteModelOptions } from './model-file.ts';
export { decodeNpy, encodeNpy, type NpyArray } from './npy.ts';
export { decodeNpz, encodeNpz } from './npz.ts';
export { printOnnx } from './print.ts';
export { bytesOf, isNumeric, tensorElements } from './tensor-codec.ts';
export { onnxVersions } from './versions.ts';
