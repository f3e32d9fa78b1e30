/**
 * `exportOnnx`: a model or function of the program → a standalone .onnx. It is traced without running, for several sizes
 * where sizes stay open, written, and run against the eager kernels before it is handed out.
 */
import { traceGraph, type TracedGraph, type TraceInput, type TracingEngine } from './capture/trace-graph.ts';
import { eagerBackendName } from './capture/install-backend.ts';
import { createEagerBackend, createRunKernel } from './compile/backends/eager.ts';
import { opTable } from './compile/ops/index.ts';
import { distinctNames } from './export/distinct-names.ts';
import { repeatTo } from './export/example-data.ts';
import { sizeBox } from './export/fit-sizes.ts';
import { exportModel, type SymbolicSize } from './export/export-model.ts';
import {
  exportTarget,
  type ExampleInputs,
  type ExportSource,
  type ExportTarget,
} from './export/export-target.ts';
import { summarizeModel, type ModelSummary } from './export/summarize-model.ts';
import { verifyModel, type ModelSample, type Numbers } from './export/verify-model.ts';
import { findTfjs } from './find-tfjs.ts';
import { FullgraphError, UserError } from './ir/errors.ts';
import { writeModelFile, type OnnxModel } from './onnx/index.ts';
import { findSession, install, type Session, type TfjsCore } from './session.ts';

/** Symbols by input and axis: `{ x: { 0: 'batch' } }`. */
export type DynamicAxes = Readonly<Record<string, Readonly<Record<number, string>>>>;

export interface ExportOptions {
  /** Where to write the model; weights of more than 1.5 GiB go to a second file beside it. */
  readonly file?: string;
  /**
   * Sizes that stay open: `true` for the first axis of every input, or symbols by input and axis. Default: the first axis
   * where the model declares it open, if its ops allow it; nothing for functions.
   */
  readonly dynamic?: boolean | DynamicAxes;
  /** Names of the model's inputs, in order. Default: the model's own, or the function's parameters. */
  readonly inputNames?: readonly string[];
  /** Names of the model's outputs, in order. */
  readonly outputNames?: readonly string[];
  /**
   * Compare with the eager kernels. Default true; they need seconds for a large network. Without it, the model is legal
   * and accepted by onnxruntime, no more.
   */
  readonly verify?: boolean;
  /** Name of the graph in the file. */
  readonly name?: string;
  /** The program's tfjs; default: what its folder has. */
  readonly tf?: TfjsCore;
}

export interface ExportedModel {
  readonly model: OnnxModel;
  readonly summary: ModelSummary;
  /** Largest absolute difference between the model on onnxruntime and the eager kernels, on the examples; if verified. */
  readonly largestError: number | undefined;
  /** What is not as one might expect, in whole sentences. */
  readonly notes: readonly string[];
}

/** Ops up to which a function is recorded as one graph when no session is installed. */
const exportedNodes = 1 << 18;

/** First sizes that are tried for open sizes: unlike each other, and none that broadcasts. */
const firstSizes: readonly number[] = [3, 5, 7];

interface OpenSize extends SymbolicSize {
  /** All places that have this size, the first included. */
  readonly places: readonly { readonly input: number; readonly axis: number }[];
}

function dynamicAxes(target: ExportTarget, dynamic: ExportOptions['dynamic']): DynamicAxes {
  if (typeof dynamic === 'object') return dynamic;
  if (dynamic === false) return {};
  const axes = target.inputNames.map((name, index) => {
    const open =
      dynamic === true ? (target.inputs[index]!.shape.length > 0 ? [0] : []) : target.openAxes[index]!;
    return [name, Object.fromEntries(open.map((axis) => [axis, 'batch']))] as const;
  });
  return Object.fromEntries(axes);
}

function openSizes(target: ExportTarget, axes: DynamicAxes): readonly OpenSize[] {
  const sizes = new Map<string, { readonly input: number; readonly axis: number }[]>();
  for (const [name, symbols] of Object.entries(axes)) {
    const input = target.inputNames.indexOf(name);
    for (const [word, symbol] of Object.entries(symbols)) {
      const axis = Number(word);
      if (input < 0 || target.inputs[input]!.shape[axis] === undefined) {
        throw new UserError(`there is no axis ${word} of an input ${name}`, {
          code: 'FG3407',
          hint: `The inputs are ${target.inputNames.join(', ')}.`,
        });
      }
      const places = sizes.get(symbol) ?? [];
      places.push({ input, axis });
      sizes.set(symbol, places);
    }
  }
  if (sizes.size > firstSizes.length) {
    throw new UserError(`${sizes.size} symbolic sizes are too many`, {
      code: 'FG3407',
      hint: `Leave at most ${firstSizes.length} sizes open, or give equal ones one name.`,
    });
  }
  return [...sizes].map(([name, places]) => ({
    name,
    input: target.inputNames[places[0]!.input]!,
    axis: places[0]!.axis,
    places,
  }));
}

interface Tracer {
  /** Inputs with these sizes in the places of the symbols; none: the examples as they are. */
  trace(sizes?: readonly number[]): TracedGraph & { readonly inputs: readonly TraceInput[] };
  readonly outputNames: readonly string[];
}

function createTracer(
  tf: TfjsCore,
  session: Session,
  target: ExportTarget,
  names: readonly string[],
  symbols: readonly OpenSize[],
): Tracer {
  const engine = tf.engine() as unknown as TracingEngine;
  const examples = target.inputs.map((tensor) => tensor.dataSync() as Numbers);
  let outputNames: readonly string[] = [];
  return {
    get outputNames() {
      return outputNames;
    },
    trace(sizes) {
      const inputs = target.inputs.map(({ shape, dtype }, index): TraceInput => {
        const own = [...shape];
        for (const [symbol, { places }] of symbols.entries()) {
          for (const { input, axis } of places) {
            if (input === index && sizes !== undefined) own[axis] = sizes[symbol]!;
          }
        }
        return { name: names[index]!, shape: own, dtype, data: repeatTo(examples[index]!, shape, own) };
      });
      const traced = session.strictly(() =>
        traceGraph(engine, inputs, (tensors) => {
          const { names, tensors: results } = target.call(tensors);
          outputNames = names;
          return results.map(({ dataId, shape, dtype }) => ({ dataId, shape: [...shape], dtype }));
        }),
      );
      return { ...traced, inputs };
    },
  };
}

function sampleOf(tf: TfjsCore, traced: ReturnType<Tracer['trace']>): ModelSample {
  const eager = createEagerBackend(createRunKernel(tf, eagerBackendName), opTable);
  const { executable } = eager.compile(traced.graph, traced.leaves);
  return {
    inputs: new Map(
      traced.inputs.map(({ name, data, shape }) => [name, { data: data as Numbers, dims: shape }]),
    ),
    outputs: executable.run(traced.leaves) as Numbers[],
  };
}

/** @throws FG3407 when there are not as many names as things to name. */
function namesFor(
  wanted: readonly string[],
  count: number,
  what: string,
  taken: readonly string[] = [],
): readonly string[] {
  if (wanted.length === count) return distinctNames(wanted, taken);
  throw new UserError(`${count} names of ${what} are needed, got ${wanted.length}`, {
    code: 'FG3407',
    hint: `Give one for each of the ${what}, in order.`,
  });
}

function build(
  tf: TfjsCore,
  session: Session,
  target: ExportTarget,
  options: ExportOptions,
  symbols: readonly OpenSize[],
): ExportedModel {
  const names = namesFor(options.inputNames ?? target.inputNames, target.inputs.length, 'inputs');
  const tracer = createTracer(tf, session, target, names, symbols);
  const example = tracer.trace();
  const isOpen = symbols.length > 0;
  const choices = isOpen ? sizeBox(firstSizes.slice(0, symbols.length)) : [];
  const traces = isOpen ? choices.map((sizes) => tracer.trace(sizes)) : [example];
  const variants = traces.map(({ graph }, index) => ({ graph, sizes: choices[index] ?? [] }));
  const inputOf = new Map(target.inputNames.map((name, index) => [name, names[index]!]));
  const placed = symbols.map(({ name, input, axis }) => ({ name, input: inputOf.get(input)!, axis }));
  const outputNames = namesFor(
    options.outputNames ?? tracer.outputNames,
    example.graph.outputs.length,
    'outputs',
    names,
  );
  const model = exportModel({ variants, symbols: placed, outputNames }, opTable, options.name);
  const isVerified = options.verify !== false;
  const checked = isVerified ? [example, ...(isOpen ? [traces.at(-1)!] : [])] : [];
  const samples = checked.map((traced) => sampleOf(tf, traced));
  const error = verifyModel(model, samples);
  const unused = example.unusedInputs.map(
    (name) => `No result depends on the input ${name}: the model has no such input.`,
  );
  return {
    model,
    summary: summarizeModel(model),
    largestError: isVerified ? error : undefined,
    notes: unused,
  };
}

/** With open sizes where they work; where nobody asked for them, fixed ones are better than nothing. */
function buildFitting(
  tf: TfjsCore,
  session: Session,
  target: ExportTarget,
  options: ExportOptions,
): ExportedModel {
  const symbols = openSizes(target, dynamicAxes(target, options.dynamic));
  if (symbols.length === 0 || options.dynamic !== undefined)
    return build(tf, session, target, options, symbols);
  try {
    return build(tf, session, target, options, symbols);
  } catch (error) {
    const exported = build(tf, session, target, options, []);
    const reason = error instanceof FullgraphError ? error.message : String(error);
    return { ...exported, notes: [...exported.notes, `All sizes are those of the examples: ${reason}.`] };
  }
}

/** Runs `body` under a session: the one that is installed, or one just for this. */
function withSession<T>(tf: TfjsCore, body: (session: Session) => T): T {
  const known = findSession(tf);
  if (known !== undefined) return body(known);
  const session = install(tf, {
    backend: 'eager',
    freeze: false,
    replay: false,
    maxNodes: exportedNodes,
    maxPendingBytes: Number.MAX_SAFE_INTEGER,
  });
  try {
    return body(session);
  } finally {
    session.uninstall();
    session.dispose();
  }
}

/**
 * A model or function as a standalone ONNX model: weights and other tensors that it uses are initializers, the tensors
 * that it is called with are inputs. Verified: legal, accepted by onnxruntime, and equal to the eager kernels on the
 * examples.
 * @param source a LayersModel, a GraphModel, or a synchronous function of tensors.
 * @param examples the tensors to call it with: types and sizes count, contents only for the comparison.
 * @throws GraphBreakError where it reads a tensor, FG3401 to FG3407 where it cannot be written as one model.
 */
export function exportOnnx(
  source: ExportSource,
  examples: ExampleInputs,
  options: ExportOptions = {},
): ExportedModel {
  const tf = options.tf ?? findTfjs();
  const target = exportTarget(source, examples);
  const exported = withSession(tf, (session) => buildFitting(tf, session, target, options));
  if (options.file !== undefined) writeModelFile(options.file, exported.model);
  return exported;
}
