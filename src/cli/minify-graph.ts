/** The minifier of graphs on what the user named: a model, or a graph out of a trace, which becomes a model first. */
import { opTable } from '../compile/ops/index.ts';
import { planExport } from '../export/captured-graph.ts';
import { exportModel } from '../export/export-model.ts';
import { verifyModel } from '../export/verify-model.ts';
import { UserError } from '../ir/errors.ts';
import type { CapturedSource } from '../minifier/graph/captured-graph.ts';
import { minifyOnnx, type MinifyOnnxControl, type MinifyOnnxRun } from '../minifier/graph/minify-onnx.ts';
import type { MinifyOptions } from '../minifier/options.ts';
import { readModelFile, type OnnxModel } from '../onnx/index.ts';
import type { Context } from './command.ts';
import { tracedGraph, type TracedGraph } from './export-trace.ts';
import type { Values } from './flags.ts';
import type { Input } from './input.ts';

/** Flags that mean something for graphs only. */
export const graphFlags = {
  graph: { type: 'string', value: '<id>', help: 'of a trace: the graph to minify (default: most work)' },
  inputs: {
    type: 'string',
    value: '<file>',
    help: 'of a model: values of its inputs, .npz, .npy or .json; others are drawn from the seed',
  },
  sizes: {
    type: 'string',
    value: '<list>',
    help: 'of a model: batch=1 for an open size, x=1x3x8x8 for the shape of an input that is drawn',
  },
  against: {
    type: 'string',
    value: '<folder>',
    help: 'of a model: another onnxruntime-node that is right',
  },
} as const;

export type GraphInput = Extract<Input, { readonly kind: 'model' | 'trace' }>;

/** The graph as a model, and back: what the second form of the repro is made of. */
function capturedSource({ fixed }: TracedGraph): CapturedSource {
  return {
    graph: fixed.variants[0]!.graph,
    inputNames: (kernel) => opTable.get(kernel)!.inputs,
    toModel: (graph) =>
      exportModel(planExport({ graph }, [{ graph }], () => false).fixed, opTable, graph.name),
  };
}

async function modelOf(
  input: GraphInput,
  graph: string | undefined,
  context: Context,
): Promise<{ readonly model: OnnxModel; readonly graph?: string; readonly captured?: CapturedSource }> {
  if (input.kind === 'model') return { model: readModelFile(input.path) };
  const traced = await tracedGraph(input, graph, context);
  const captured = capturedSource(traced);
  // The failure is looked for in the sizes that the program ran with.
  const model = captured.toModel(captured.graph);
  verifyModel(model, []);
  return { model, graph: traced.id, captured };
}

/** Options that were not given are left to the minifier of graphs: its limits are others. */
function given<Key extends string, Value>(
  values: Readonly<Record<string, unknown>>,
  flag: string,
  key: Key,
  value: Value,
): { readonly [K in Key]?: Value } {
  return values[flag] === undefined ? {} : ({ [key]: value } as { readonly [K in Key]: Value });
}

/** `batch=1,x=1x3x8x8`. @throws FG4002 */
function parseSizes(text: string): Record<string, number | number[]> {
  const entries = text.split(',').map((part): [string, number | number[]] => {
    const at = part.lastIndexOf('=');
    const name = part.slice(0, at).trim();
    const sizes = part
      .slice(at + 1)
      .split('x')
      .map(Number);
    if (at < 1 || part.endsWith('=') || !sizes.every((size) => Number.isInteger(size) && size >= 0)) {
      throw new UserError(`minify: --sizes takes a list such as batch=1,x=1x3x8x8, got '${part}'`, {
        code: 'FG4002',
        hint: 'Write <name>=<size>, with x between the sizes of a shape.',
      });
    }
    return [name, sizes.length === 1 ? sizes[0]! : sizes];
  });
  return Object.fromEntries(entries);
}

/**
 * Starts the search.
 * @throws FG4002 for options that graphs do not have, FG5023 when the trace has no such graph.
 */
export async function minifyGraph(
  input: GraphInput,
  word: string,
  values: Values<typeof graphFlags> & Readonly<Record<string, string | number | boolean | undefined>>,
  options: MinifyOptions,
  control: MinifyOnnxControl,
  context: Context,
): Promise<MinifyOnnxRun> {
  const isOther = options.reference !== undefined && options.reference !== 'evaluator';
  if (options.fail === 'slow' || options.backend !== undefined || isOther) {
    throw new UserError('minify: --fail slow, --backend and backends as --reference are about programs', {
      code: 'FG4002',
      hint: 'Graphs run on onnxruntime; they are compared with it unoptimized, with --reference evaluator, or with the onnxruntime that --against names.',
    });
  }
  const { model, graph, captured } = await modelOf(input, values.graph, context);
  const { cwd, fail, command, relativeTolerance, absoluteTolerance, jobs, budget, seed, resume } = options;
  return minifyOnnx(
    {
      input: graph === undefined ? word : `${word} ${graph}`,
      model,
      ...(captured && { captured }),
      cwd,
      fail,
      ...(command !== undefined && { command }),
      relativeTolerance,
      absoluteTolerance,
      jobs,
      budget,
      seed,
      resume,
      ...given(values, 'timeout', 'timeLimitMs', options.timeLimitMs ?? 0),
      ...given(values, 'memory', 'memoryLimitMb', options.memoryLimitMb),
      ...given(values, 'state', 'stateDirectory', options.stateDirectory ?? ''),
      ...given(values, 'output', 'outputDirectory', options.outputDirectory ?? ''),
      ...given(values, 'inputs', 'inputs', values.inputs ?? ''),
      ...(values.sizes !== undefined && { sizes: parseSizes(values.sizes) }),
      ...(options.reference === 'evaluator' && { reference: 'evaluator' }),
      ...given(values, 'device', 'device', options.capture?.device ?? 'cpu'),
      ...given(values, 'against', 'against', values.against ?? ''),
    },
    control,
  );
}
