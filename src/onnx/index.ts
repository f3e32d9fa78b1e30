/** Reading, writing and building ONNX models; what other folders use. */
export * from './attribute.ts';
export * from './data-type.ts';
export { decodeModel, type DecodeOptions } from './decode.ts';
export { encodeModel, encodeModelChunks, type EncodedModel } from './encode.ts';
export * from './graph-writer.ts';
export * from './model.ts';
export { onnxVersions } from './versions.ts';
