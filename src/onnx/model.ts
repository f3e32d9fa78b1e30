/**
 * An ONNX model as plain data: what `decodeModel` returns and `encodeModel` takes. Names follow ONNX; repeated fields
 * are arrays, attributes a record; an optional field that is empty is absent. Each message keeps the fields that we do
 * not describe as bytes in `unknown`, so that reading and writing a model of tomorrow loses nothing.
 */
import type { NumericArray, OnnxDataType } from './data-type.ts';

/** Protobuf fields that our description does not know, tags included. */
export interface WithUnknown {
  readonly unknown?: Uint8Array;
}

export interface OnnxOpset extends WithUnknown {
  /** Empty for ONNX's own operators. */
  readonly domain: string;
  readonly version: number;
}

export interface OnnxMetadata extends WithUnknown {
  readonly key: string;
  readonly value: string;
}

export interface OnnxModel extends WithUnknown {
  readonly irVersion: number;
  readonly opsets: readonly OnnxOpset[];
  readonly graph: OnnxGraph;
  readonly functions?: readonly OnnxFunction[];
  readonly producerName?: string;
  readonly producerVersion?: string;
  readonly domain?: string;
  readonly modelVersion?: number | bigint;
  readonly docString?: string;
  readonly metadata?: readonly OnnxMetadata[];
}

export interface OnnxGraph extends WithUnknown {
  readonly name: string;
  /** In topological order. */
  readonly nodes: readonly OnnxNode[];
  readonly inputs: readonly OnnxValueInfo[];
  readonly outputs: readonly OnnxValueInfo[];
  readonly initializers: readonly OnnxTensor[];
  readonly sparseInitializers?: readonly OnnxSparseTensor[];
  /** Types of values in between. */
  readonly valueInfos?: readonly OnnxValueInfo[];
  readonly docString?: string;
  readonly metadata?: readonly OnnxMetadata[];
}

export interface OnnxNode extends WithUnknown {
  readonly opType: string;
  /** Empty for ONNX's own operators. */
  readonly domain: string;
  readonly name: string;
  /** Empty string for an absent optional input. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: OnnxAttributes;
  readonly docString?: string;
  /** Distinguishes functions of one name. */
  readonly overload?: string;
  readonly metadata?: readonly OnnxMetadata[];
}

export type OnnxAttributes = Readonly<Record<string, OnnxAttribute>>;

/** An INT64: a bigint only where a number would lose digits. */
export type OnnxInt = number | bigint;

/** A string; bytes only where they are not UTF-8. */
export type OnnxString = string | Uint8Array;

export type OnnxAttribute = (
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'int'; readonly value: OnnxInt }
  | { readonly kind: 'string'; readonly value: OnnxString }
  | { readonly kind: 'tensor'; readonly value: OnnxTensor }
  | { readonly kind: 'graph'; readonly value: OnnxGraph }
  | { readonly kind: 'sparseTensor'; readonly value: OnnxSparseTensor }
  | { readonly kind: 'type'; readonly value: OnnxType }
  | { readonly kind: 'floats'; readonly value: readonly number[] }
  | { readonly kind: 'ints'; readonly value: readonly OnnxInt[] }
  | { readonly kind: 'strings'; readonly value: readonly OnnxString[] }
  | { readonly kind: 'tensors'; readonly value: readonly OnnxTensor[] }
  | { readonly kind: 'graphs'; readonly value: readonly OnnxGraph[] }
  | { readonly kind: 'sparseTensors'; readonly value: readonly OnnxSparseTensor[] }
  | { readonly kind: 'types'; readonly value: readonly OnnxType[] }
  /** Inside a function: the value of the caller's attribute of that name. */
  | { readonly kind: 'reference'; readonly value: string; readonly typeCode: number }
  /** A kind of a later ONNX: all of it is in `unknown`. */
  | { readonly kind: 'opaque'; readonly typeCode: number }
) & { readonly docString?: string } & WithUnknown;

export interface OnnxTensor extends WithUnknown {
  readonly name: string;
  readonly dims: readonly number[];
  readonly dataType: OnnxDataType;
  /** Row-major values; see `data-type.ts` for which array holds what. Strings for `string`. */
  readonly data: NumericArray | readonly OnnxString[];
  readonly docString?: string;
  readonly metadata?: readonly OnnxMetadata[];
}

export interface OnnxSparseTensor extends WithUnknown {
  /** The non-zero values; its name is the name of the sparse tensor. */
  readonly values: OnnxTensor;
  /** int64 `[count]` linear or `[count, rank]` positions. */
  readonly indices: OnnxTensor;
  readonly dims: readonly number[];
}

/** A size, the name of a symbolic size, or `null` for a size nobody knows. */
export type OnnxDim = number | string | null;

/** Fields of the nested messages of a type that we do not describe. */
export interface OnnxTypeUnknown {
  readonly element?: Uint8Array;
  readonly shape?: Uint8Array;
  /** By axis; ONNX's `denotation` of a dim is among them. */
  readonly dims?: Readonly<Record<number, Uint8Array>>;
}

export type OnnxType = (
  | {
      readonly kind: 'tensor' | 'sparseTensor';
      readonly dataType: OnnxDataType;
      /** Absent: not even the rank is known. */
      readonly dims?: readonly OnnxDim[];
    }
  | { readonly kind: 'sequence' | 'optional'; readonly element: OnnxType }
  | { readonly kind: 'map'; readonly keyType: OnnxDataType; readonly valueType: OnnxType }
  /** Nothing we know: all of it is in `unknown`. */
  | { readonly kind: 'opaque' }
) & { readonly denotation?: string; readonly nestedUnknown?: OnnxTypeUnknown } & WithUnknown;

export interface OnnxValueInfo extends WithUnknown {
  readonly name: string;
  readonly type?: OnnxType;
  readonly docString?: string;
  readonly metadata?: readonly OnnxMetadata[];
}

export interface OnnxFunction extends WithUnknown {
  readonly name: string;
  readonly domain: string;
  readonly overload?: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Attributes without a default. */
  readonly attributeNames?: readonly string[];
  /** Attributes with their default. */
  readonly attributeDefaults?: OnnxAttributes;
  readonly nodes: readonly OnnxNode[];
  readonly opsets: readonly OnnxOpset[];
  readonly valueInfos?: readonly OnnxValueInfo[];
  readonly docString?: string;
  readonly metadata?: readonly OnnxMetadata[];
}

/** A domain under one name: that of ONNX's own operators has two. */
export function normalDomain(domain: string): string {
  return domain === 'ai.onnx' ? '' : domain;
}
