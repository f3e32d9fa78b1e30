/** Values for the inputs of a model: from files, or drawn from a seed. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { UserError } from '../../ir/errors.ts';
import {
  allocateArray,
  decodeNpy,
  decodeNpz,
  tensorElements,
  type NpyArray,
  type OnnxDataType,
  type OnnxModel,
  type OnnxTensor,
  type OnnxValueInfo,
} from '../../onnx/index.ts';

/** What an unknown size becomes, unless the user says so. */
const defaultSize = 2;

/** Mulberry32: uniform in [0, 1). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const halfTypes: ReadonlySet<OnnxDataType> = new Set(['float16', 'bfloat16']);

/** Bits of a small positive multiple of 1/8 in a 16-bit float. */
function halfBits(type: OnnxDataType, eighths: number): number {
  const value = Math.max(1, eighths) / 8;
  const exponent = Math.floor(Math.log2(value));
  const fraction = value / 2 ** exponent - 1;
  return type === 'float16'
    ? ((exponent + 15) << 10) | Math.round(fraction * 1024)
    : ((exponent + 127) << 7) | Math.round(fraction * 128);
}

function randomTensor(
  name: string,
  dataType: OnnxDataType,
  dims: readonly number[],
  random: () => number,
): OnnxTensor {
  const elements = tensorElements(dims);
  if (dataType === 'string') {
    return {
      name,
      dataType,
      dims,
      data: Array.from({ length: elements }, () => (random() < 0.5 ? 'a' : 'b')),
    };
  }
  const data = allocateArray(dataType, elements);
  for (let index = 0; index < data.length; index++) {
    if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
      data[index] = BigInt(Math.floor(random() * 2));
    } else if (data instanceof Float32Array || data instanceof Float64Array) {
      data[index] = Math.round((random() * 4 - 2) * 1_000) / 1_000;
    } else if (halfTypes.has(dataType)) data[index] = halfBits(dataType, Math.floor(random() * 16));
    else data[index] = Math.floor(random() * 2);
  }
  return { name, dataType, dims, data };
}

/** Sizes by the names of open dims, whole shapes by the names of inputs. */
export type Sizes = Readonly<Record<string, number | readonly number[]>>;

function sizesOf(info: OnnxValueInfo, sizes: Sizes): number[] {
  if (info.type?.kind !== 'tensor') {
    throw new UserError(`minify: input ${info.name} is not a tensor`, {
      code: 'FG4002',
      hint: 'Only models whose inputs are tensors can be minified.',
    });
  }
  const shape = sizes[info.name];
  if (Array.isArray(shape)) return [...(shape as readonly number[])];
  // One number is the shape of a vector, or the open size of that name.
  if (typeof shape === 'number' && !openDims(info).includes(info.name)) return [shape];
  return (info.type.dims ?? []).map((size) => {
    if (typeof size === 'number') return size;
    const chosen = size === null ? undefined : sizes[size];
    return typeof chosen === 'number' ? chosen : defaultSize;
  });
}

function openDims({ type }: OnnxValueInfo): string[] {
  const dims = type?.kind === 'tensor' ? (type.dims ?? []) : [];
  return dims.filter((size) => typeof size === 'string');
}

/** @throws UserError FG4002 when a size is for nothing that this model has. */
function checkSizes(model: OnnxModel, sizes: Sizes): void {
  const { inputs } = model.graph;
  const open = new Set(inputs.flatMap(openDims));
  for (const [name, size] of Object.entries(sizes)) {
    if ((typeof size === 'number' && open.has(name)) || inputs.some((info) => info.name === name)) continue;
    const what = typeof size === 'number' ? 'open size' : 'input';
    throw new UserError(`minify: the model has no ${what} ${name}; ${describeInputs(model)}`, {
      code: 'FG4002',
      hint: 'Write --sizes batch=1 for an open size, --sizes x=1x3x8x8 for the shape of an input.',
    });
  }
}

/** `its inputs are x: float32[batch,3]` */
function describeInputs({ graph }: OnnxModel): string {
  const defaults = new Set(graph.initializers.map(({ name }) => name));
  const needed = graph.inputs.filter(({ name }) => !defaults.has(name));
  if (needed.length === 0) return 'it has no inputs';
  const texts = needed.map(({ name, type }) => {
    if (type?.kind !== 'tensor') return name;
    return `${name}: ${type.dataType}[${type.dims?.map((size) => size ?? '?').join() ?? '...'}]`;
  });
  return `its inputs are ${texts.join(', ')}`;
}

export interface MakeInputsOptions {
  readonly seed: number;
  /** Values that the user gave, by name. */
  readonly given?: ReadonlyMap<string, OnnxTensor>;
  /** Sizes of open dims, and shapes of inputs. */
  readonly sizes?: Sizes;
}

/** @throws UserError FG4002 when a given value is not for this model. */
function checkGiven(model: OnnxModel, given: ReadonlyMap<string, OnnxTensor>): void {
  const infos = new Map(model.graph.inputs.map((info) => [info.name, info]));
  for (const [name, { dataType, dims }] of given) {
    const type = infos.get(name)?.type;
    if (type?.kind !== 'tensor')
      throw badInputs(`the model has no input tensor ${name}; ${describeInputs(model)}`);
    const declared = type.dims;
    const fits =
      declared === undefined ||
      (declared.length === dims.length &&
        declared.every((size, axis) => typeof size !== 'number' || size === dims[axis]));
    if (dataType === type.dataType && fits) continue;
    const text = declared?.map((size) => size ?? '?').join();
    throw badInputs(
      `input ${name} is ${type.dataType}[${text ?? '...'}], the value given is ${dataType}[${dims.join()}]`,
    );
  }
}

/**
 * A value for each input that has no default.
 * @throws UserError FG4002 when a given value is not for this model, or an input is not a tensor.
 */
export function makeInputs(model: OnnxModel, options: MakeInputsOptions): Map<string, OnnxTensor> {
  const { seed, given, sizes = {} } = options;
  if (given !== undefined) checkGiven(model, given);
  checkSizes(model, sizes);
  const random = seededRandom(seed);
  const defaults = new Set(model.graph.initializers.map(({ name }) => name));
  const inputs = new Map<string, OnnxTensor>();
  for (const info of model.graph.inputs) {
    const value = given?.get(info.name);
    if (value !== undefined) inputs.set(info.name, value);
    else if (!defaults.has(info.name)) {
      const dims = sizesOf(info, sizes);
      const dataType = info.type?.kind === 'tensor' ? info.type.dataType : 'float32';
      inputs.set(info.name, randomTensor(info.name, dataType, dims, random));
    }
  }
  return inputs;
}

function fromNpy(name: string, { dataType, dims, data }: NpyArray): OnnxTensor {
  return { name, dataType, dims, data };
}

type JsonArray = readonly (number | string | boolean | JsonArray)[];

function fromJson(model: OnnxModel, name: string, value: unknown): OnnxTensor {
  const info = model.graph.inputs.find((each) => each.name === name);
  if (info?.type?.kind !== 'tensor')
    throw badInputs(`the model has no input tensor ${name}; ${describeInputs(model)}`);
  const dims: number[] = [];
  for (let part = value; Array.isArray(part); part = (part as JsonArray)[0]) dims.push(part.length);
  const flat = (Array.isArray(value) ? (value as unknown[]).flat(Infinity) : [value]) as (
    number | string | boolean
  )[];
  const { dataType } = info.type;
  if (flat.length !== tensorElements(dims)) throw badInputs(`the lists of input ${name} differ in length`);
  if (dataType === 'string') return { name, dataType, dims, data: flat.map(String) };
  const data = allocateArray(dataType, flat.length);
  for (const [index, element] of flat.entries()) {
    if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[index] = BigInt(element);
    else data[index] = Number(element);
  }
  return { name, dataType, dims, data };
}

function badInputs(message: string, cause?: unknown): UserError {
  return new UserError(`minify: ${message}`, {
    code: 'FG4002',
    hint: 'Give --inputs an .npz with one array per input, an .npy named after its input, or a .json object of nested lists.',
    ...(cause === undefined ? {} : { cause }),
  });
}

/**
 * Values from an .npz, an .npy (named after its input, or for the only one) or a .json file.
 * @throws UserError FG4002 when the file does not fit.
 */
export function readInputs(path: string, model: OnnxModel): Map<string, OnnxTensor> {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw badInputs(`cannot read ${path}`, cause);
  }
  const { inputs } = model.graph;
  if (path.endsWith('.npz')) {
    return new Map([...decodeNpz(bytes)].map(([name, array]) => [name, fromNpy(name, array)]));
  }
  if (path.endsWith('.npy')) {
    const stem = basename(path, '.npy');
    const name = inputs.length === 1 ? inputs[0]!.name : stem;
    return new Map([[name, fromNpy(name, decodeNpy(bytes))]]);
  }
  let values: unknown;
  try {
    values = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (cause) {
    throw badInputs(`${path} is neither .npz, .npy nor JSON`, cause);
  }
  if (values === null || typeof values !== 'object' || Array.isArray(values)) {
    throw badInputs(`${path} does not hold an object with one entry per input`);
  }
  return new Map(Object.entries(values).map(([name, value]) => [name, fromJson(model, name, value)]));
}
