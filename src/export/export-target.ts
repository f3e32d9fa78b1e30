/** What can be exported, seen as one thing: a call from tensors to named tensors, with names and open sizes of its inputs. */
import { UserError } from '../ir/errors.ts';
import type { Dtype } from '../ir/tensor-type.ts';

/** A `tf.Tensor`, of whichever copy of tfjs. */
export interface TensorLike {
  readonly dataId: object;
  readonly shape: readonly number[];
  readonly dtype: Dtype;
  dataSync(): unknown;
}

/** Tensors by position or by name. */
export type ExampleInputs = TensorLike | readonly TensorLike[] | Readonly<Record<string, TensorLike>>;

/** A pure function of tensors. It is called with what the examples are: one tensor, several, or a record of them. */
type TensorFunction = (...inputs: never[]) => unknown;

interface LayersModelLike {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly inputs: readonly { readonly shape: readonly (number | null)[] }[];
  apply(inputs: unknown, options: { readonly training: boolean }): unknown;
}

/** A Sequential keeps the model with inputs and outputs inside, made when it is first needed. */
interface SequentialLike extends LayersModelLike {
  readonly model?: LayersModelLike | null;
  build(): void;
}

function isSequential(model: LayersModelLike): model is SequentialLike {
  return model.inputNames.length === 0 && 'build' in model;
}

interface GraphModelLike {
  readonly inputNodes: readonly string[];
  readonly outputNodes: readonly string[];
  readonly inputs: readonly { readonly name: string; readonly shape?: readonly number[] }[];
  execute(inputs: unknown, outputs: readonly string[]): unknown;
}

/** A `tf.LayersModel`, a `tf.GraphModel`, or a function. */
export type ExportSource = object;

export interface ExportTarget {
  /** In the order of `call`'s tensors. */
  readonly inputNames: readonly string[];
  readonly inputs: readonly TensorLike[];
  /** Axes whose size the model leaves open, per input. */
  readonly openAxes: readonly (readonly number[])[];
  call(tensors: readonly unknown[]): {
    readonly names: readonly string[];
    readonly tensors: readonly TensorLike[];
  };
}

function isTensor(value: unknown): value is TensorLike {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Partial<TensorLike>).dataId === 'object' &&
    Array.isArray((value as Partial<TensorLike>).shape)
  );
}

function usageError(message: string, hint: string): UserError {
  return new UserError(message, { code: 'FG3407', hint });
}

/** Names of the parameters of a function, where its text tells. */
function parameterNames(source: { toString(): string }): readonly string[] {
  const match = /^(?:function\b[^(]*)?\(?([\w$\s,]*)\)?\s*(?:=>|\{)/.exec(source.toString());
  const names = (match?.[1] ?? '').split(',').map((name) => name.trim());
  return names.every((name) => /^[A-Za-z_$][\w$]*$/.test(name)) ? names : [];
}

function outputNamesOf(count: number): readonly string[] {
  return count === 1 ? ['output'] : Array.from({ length: count }, (_, index) => `output_${index}`);
}

/** Results of any form as named tensors. @throws FG3407 for anything that is not made of tensors. */
function readResults(result: unknown, names?: readonly string[]): ReturnType<ExportTarget['call']> {
  if (result instanceof Promise) {
    throw usageError('the function is asynchronous', 'Export the synchronous part of it.');
  }
  const isList = Array.isArray(result);
  const tensors: readonly unknown[] = isTensor(result)
    ? [result]
    : isList || (typeof result === 'object' && result !== null)
      ? Object.values(result)
      : [];
  if (tensors.length === 0 || !tensors.every(isTensor)) {
    throw usageError('the function must return tensors', 'Return a tensor, a list or a record of tensors.');
  }
  const own = isTensor(result) || isList ? outputNamesOf(tensors.length) : Object.keys(result as object);
  return { names: names?.length === tensors.length ? names : own, tensors };
}

/** Examples in the order of `names`. */
function arrange(examples: ExampleInputs, names: readonly string[]): readonly TensorLike[] {
  if (isTensor(examples)) return [examples];
  if (Array.isArray(examples)) return examples as readonly TensorLike[];
  const record = examples as Readonly<Record<string, TensorLike>>;
  return names.map((name) => {
    const tensor = record[name];
    if (tensor !== undefined) return tensor;
    throw usageError(
      `the example for the input ${name} is missing`,
      `Give one for each of ${names.join(', ')}.`,
    );
  });
}

function axesWithout(shape: readonly unknown[] | undefined, isOpen: (dim: unknown) => boolean): number[] {
  return (shape ?? []).flatMap((dim, axis) => (isOpen(dim) ? [axis] : []));
}

function layersTarget(given: LayersModelLike, examples: ExampleInputs): ExportTarget {
  let model = given;
  if (isSequential(given)) {
    if (given.model === null || given.model === undefined) given.build();
    model = given.model ?? given;
  }
  return {
    inputNames: model.inputNames,
    inputs: arrange(examples, model.inputNames),
    openAxes: model.inputs.map(({ shape }) =>
      axesWithout(shape, (dim) => dim === null).filter((axis) => axis === 0),
    ),
    call(tensors) {
      const given = tensors.length === 1 ? tensors[0] : tensors;
      return readResults(model.apply(given, { training: false }), model.outputNames);
    },
  };
}

/** TensorFlow's `serving_default_x:0` without the output's number. */
function plainName(name: string): string {
  return name.replace(/:0$/, '');
}

function graphTarget(model: GraphModelLike, examples: ExampleInputs): ExportTarget {
  const shapes = new Map(model.inputs.map(({ name, shape }) => [plainName(name), shape]));
  return {
    inputNames: model.inputNodes,
    inputs: arrange(examples, model.inputNodes),
    openAxes: model.inputNodes.map((name) =>
      axesWithout(shapes.get(plainName(name)), (dim) => dim === -1).filter((axis) => axis === 0),
    ),
    call(tensors) {
      const inputs = Object.fromEntries(model.inputNodes.map((name, index) => [name, tensors[index]]));
      return readResults(model.execute(inputs, model.outputNodes), model.outputNodes);
    },
  };
}

function functionTarget(source: TensorFunction, examples: ExampleInputs): ExportTarget {
  const call = source as unknown as (...inputs: unknown[]) => unknown;
  const isRecord = !isTensor(examples) && !Array.isArray(examples);
  const inputs: readonly TensorLike[] = isTensor(examples) ? [examples] : Object.values(examples);
  const parameters = isRecord ? Object.keys(examples) : parameterNames(source);
  return {
    inputNames: inputs.map((_, index) => parameters[index] ?? `input_${index}`),
    inputs,
    openAxes: inputs.map(() => []),
    call(tensors) {
      if (!isRecord) return readResults(call(...tensors));
      return readResults(call(Object.fromEntries(parameters.map((name, index) => [name, tensors[index]]))));
    },
  };
}

/** @throws FG3407 when it is neither a model nor a function, or examples are missing. */
export function exportTarget(source: ExportSource, examples: ExampleInputs): ExportTarget {
  const fields = source as Partial<LayersModelLike & GraphModelLike>;
  const target =
    typeof source === 'function'
      ? functionTarget(source as TensorFunction, examples)
      : fields.inputNodes !== undefined && fields.execute !== undefined
        ? graphTarget(fields as GraphModelLike, examples)
        : fields.inputNames !== undefined && fields.apply !== undefined
          ? layersTarget(fields as LayersModelLike, examples)
          : undefined;
  if (target === undefined) {
    throw usageError(
      'what is exported must be a model or a function',
      'Give a LayersModel, a GraphModel or a function.',
    );
  }
  if (target.inputs.length !== target.inputNames.length || !target.inputs.every(isTensor)) {
    throw usageError(
      `${target.inputNames.length} example tensors are needed, got ${target.inputs.length}`,
      `Give one for each of ${target.inputNames.join(', ')}.`,
    );
  }
  return target;
}
