/**
 * Which models behave the same at every call, and what that depends on. Layers of tfjs itself compute the same ops as
 * long as their fields are what they were; layers, cells, activations and ops that a program wrote may do anything, so
 * that a model with one of them is traced at each call.
 */
import type { TensorInfo } from './tf-module.ts';

type Fields = Record<string, unknown>;

/** What has to stay as it is, one entry per field: owners, keys and values in step. */
export interface FieldGuard {
  readonly owners: readonly Fields[];
  readonly keys: readonly string[];
  readonly values: readonly unknown[];
}

export interface ModelFacts {
  /** Tensors and variables that hold the model's weights. */
  readonly weights: readonly TensorInfo[];
  readonly guard: FieldGuard;
}

/** tfjs's own classes, each with the function that it computes with. */
export type TrustedClasses = ReadonlyMap<unknown, unknown>;

/** Lists up to this length are compared item by item: strides, weights of a layer. */
const comparedItems = 256;
/** Models with more fields are traced. */
const fieldLimit = 20_000;

export function holdsFields({ owners, keys, values }: FieldGuard): boolean {
  for (let index = 0; index < values.length; index++) {
    if (!Object.is(owners[index]![keys[index]!], values[index])) return false;
  }
  return true;
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

function isTensor(value: Fields): boolean {
  return isObject(value['dataId']) && Array.isArray(value['shape']);
}

const behaviours: readonly string[] = ['apply', 'call'];

/** Layers, cells and activations: what model code calls. */
function hasBehaviour(value: Fields): boolean {
  return behaviours.some((method) => typeof value[method] === 'function');
}

/** Fields that no forward pass looks at. */
const unusedFields: ReadonlySet<string> = new Set([
  'optimizer_',
  'history',
  'inboundNodes',
  'outboundNodes',
  'id',
  'name',
  'originalName',
  'initialWeights',
  'inputSpec',
  'batchInputShape',
  '_losses',
  '_updates',
  '_addedWeightNames',
]);
const unusedEndings = /(?:Initializer|Regularizer|Constraint)_?$/i;

/** Whether what the object holds matters, and not only that it is this object. */
function isLookedInto(value: Fields): boolean {
  const isPlain = value.constructor === Object || Array.isArray(value);
  return isPlain || hasBehaviour(value) || isTensor(value) || isObject(value['val']);
}

/**
 * Names under which tfjs-layers registers what computes: layers, cells, activations. A program that registered classes of
 * its own before us must not have them taken for tfjs's.
 */
const ownClassNames: ReadonlySet<string> = new Set(
  `InputLayer Model Functional Sequential elu selu relu relu6 linear sigmoid hardSigmoid softplus softsign tanh softmax
  logSoftmax gelu gelu_new mish swish ReLU LeakyReLU PReLU ELU ThresholdedReLU Softmax Conv1D Conv2D Conv3D
  Conv2DTranspose Conv3DTranspose SeparableConv2D DepthwiseConv2D Cropping2D UpSampling2D ZeroPadding2D RNN SimpleRNNCell
  SimpleRNN GRUCell GRU LSTMCell LSTM StackedRNNCells ConvLSTM2DCell ConvLSTM2D Dropout SpatialDropout1D Dense Flatten
  Activation RepeatVector Reshape Permute Masking Embedding Add Multiply Average Maximum Minimum Concatenate Dot
  GaussianNoise GaussianDropout AlphaDropout BatchNormalization LayerNormalization MaxPooling1D MaxPooling2D MaxPooling3D
  AveragePooling1D AveragePooling2D AveragePooling3D GlobalAveragePooling1D GlobalAveragePooling2D GlobalMaxPooling1D
  GlobalMaxPooling2D TimeDistributed Bidirectional Rescaling CenterCrop CategoryEncoding Resizing`.split(
    /\s+/,
  ),
);

/** Classes that tfjs-layers registers for its own layers, cells and activations. */
export function registeredClasses(exports: object): TrustedClasses {
  const { serialization } = exports as {
    serialization?: {
      SerializationMap?: { getMap(): { classNameMap: Readonly<Record<string, readonly unknown[]>> } };
    };
  };
  const map = serialization?.SerializationMap?.getMap().classNameMap ?? {};
  return new Map(
    Object.entries(map).flatMap(([name, [constructor]]) =>
      ownClassNames.has(name) ? [[constructor, behaviourOf(constructor)] as const] : [],
    ),
  );
}

function behaviourOf(constructor: unknown): unknown {
  const { prototype } = constructor as { readonly prototype: Fields };
  return prototype['call'] ?? prototype['apply'];
}

/** @returns why the model cannot be replayed, or what replaying it depends on. */
export function inspectLayersModel(model: object, trusted: TrustedClasses): ModelFacts | string {
  const owners: Fields[] = [];
  const keys: string[] = [];
  const values: unknown[] = [];
  const weights: TensorInfo[] = [];
  const seen = new Set<Fields>();
  const queue: Fields[] = [model as Fields];
  const watch = (owner: Fields, key: string, value: unknown): void => {
    owners.push(owner);
    keys.push(key);
    values.push(value);
  };
  for (let owner = queue.pop(); owner !== undefined; owner = queue.pop()) {
    if (seen.has(owner)) continue;
    seen.add(owner);
    if (owners.length > fieldLimit) return 'it has very many layers';
    if (isTensor(owner)) {
      weights.push(owner as unknown as TensorInfo);
      watch(owner, 'isDisposedInternal', owner['isDisposedInternal']);
      continue;
    }
    if (Array.isArray(owner)) {
      watch(owner, 'length', owner.length);
      if (owner.length > comparedItems && !owner.some((item) => isObject(item))) continue;
    } else if (hasBehaviour(owner)) {
      const { constructor } = owner;
      if (trusted.get(constructor) !== behaviourOf(constructor)) {
        return `${constructor.name} is no layer of tfjs's`;
      }
      if (owner['_stateful'] === true) return 'it has a layer with state';
      // Inherited as yet: a program may put a method of its own in front of it.
      for (const method of behaviours) watch(owner, method, owner[method]);
    }
    for (const key of Object.keys(owner)) {
      const value = owner[key];
      if (unusedFields.has(key) || unusedEndings.test(key)) continue;
      if (typeof value === 'function' && hasBehaviour(owner)) return `${key} of a layer is a function`;
      watch(owner, key, value);
      if (isObject(value) && isLookedInto(value)) queue.push(value);
    }
  }
  return { weights, guard: { owners, keys, values } };
}

interface GraphModelFields {
  readonly executor?: {
    readonly graph?: { readonly nodes?: Readonly<Record<string, { readonly category?: string }>> };
    readonly weightMap?: Readonly<Record<string, readonly (TensorInfo & Fields)[]>>;
  };
}

/** @returns why the model cannot be replayed, or what replaying it depends on. */
export function inspectGraphModel(model: object): ModelFacts | string {
  const { executor } = model as GraphModelFields;
  const nodes = executor?.graph?.nodes;
  const weightMap = executor?.weightMap;
  if (nodes === undefined || weightMap === undefined) return 'it is not loaded';
  for (const { category } of Object.values(nodes)) {
    if (category === 'custom' || category === 'hash_table') return `it has a ${category} op`;
  }
  const owners: Fields[] = [model as Fields, executor as Fields, executor as Fields];
  const keys = ['executor', 'weightMap', 'graph'];
  const weights: TensorInfo[] = [];
  for (const tensor of Object.values(weightMap).flat()) {
    weights.push(tensor);
    owners.push(tensor);
    keys.push('isDisposedInternal');
  }
  return {
    weights,
    guard: { owners, keys, values: owners.map((owner, index) => owner[keys[index]!]) },
  };
}
