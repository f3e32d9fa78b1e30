/** A graph out of a trace as .onnx. A trace has no values: weights and long constants become inputs. */
import { opTable } from '../compile/ops/index.ts';
import { planExport } from '../export/captured-graph.ts';
import { exportModel } from '../export/export-model.ts';
import { summarizeModel } from '../export/summarize-model.ts';
import { verifyModel } from '../export/verify-model.ts';
import type { ExportReport } from '../host/export-run.ts';
import { UserError } from '../ir/errors.ts';
import { parseGraph } from '../ir/parse.ts';
import { printedConstantLimit } from '../ir/print.ts';
import type { GraphRecord } from '../ir/record.ts';
import { writeModelFile } from '../onnx/index.ts';
import type { Context } from './command.ts';
import { createProgress } from './output.ts';
import { readTrace, type TraceInput } from './read-trace.ts';

interface TracedGraphs {
  readonly graphs: ReadonlyMap<string, GraphRecord>;
  readonly runs: ReadonlyMap<string, number>;
}

async function readGraphs(input: TraceInput, context: Context): Promise<TracedGraphs> {
  const graphs = new Map<string, GraphRecord>();
  const runs = new Map<string, number>();
  const progress = createProgress(context.stderr);
  for await (const lines of readTrace(input, (bytes) => progress.update(`reading ${bytes} bytes`))) {
    for (const line of lines) {
      if (line.kind !== 'record') continue;
      const { record } = line;
      if (record.kind === 'graph') graphs.set(record.id, record);
      else if (record.kind === 'run') runs.set(record.graph, (runs.get(record.graph) ?? 0) + 1);
    }
  }
  progress.clear();
  return { graphs, runs };
}

function choose({ graphs, runs }: TracedGraphs, id: string | undefined): GraphRecord {
  const all = [...graphs.values()];
  const work = (graph: GraphRecord): number => graph.nodeCount * (runs.get(graph.id) ?? 0);
  const chosen =
    id === undefined
      ? all.reduce<GraphRecord | undefined>(
          (best, next) => (best === undefined || work(next) > work(best) ? next : best),
          undefined,
        )
      : graphs.get(id);
  if (chosen === undefined) {
    throw new UserError(id === undefined ? 'the trace holds no graph' : `the trace holds no graph ${id}`, {
      code: 'FG5023',
      hint:
        all.length === 0
          ? 'Name a trace of `fullgraph run --trace-out`.'
          : `It holds ${[...graphs.keys()].join(', ')}.`,
    });
  }
  if (chosen.language !== 'fullgraph') {
    throw new UserError(`graph ${chosen.id} is FX code of PyTorch`, {
      code: 'FG5023',
      hint: 'Use torch.onnx.export in the Python program.',
    });
  }
  return chosen;
}

/** A graph out of a trace as it can be exported: what the trace has no values of are inputs. */
export interface TracedGraph extends ReturnType<typeof planExport> {
  readonly id: string;
  /** Graphs in the trace. */
  readonly graphs: number;
}

/** @throws FG5023 when there is no such graph. */
export async function tracedGraph(
  input: TraceInput,
  id: string | undefined,
  context: Context,
): Promise<TracedGraph> {
  const traced = await readGraphs(input, context);
  const chosen = choose(traced, id);
  const captured = [...traced.graphs.values()]
    .filter(({ family, language }) => family === chosen.family && language === 'fullgraph')
    .map((record) => ({ graph: parseGraph(record.text) }));
  const main = captured.find((item) => item.graph.name === chosen.id)!;
  const leaves = main.graph.nodes.filter((node) => node.kind !== 'call');
  const isLost = (leaf: number): boolean => {
    const node = leaves[leaf]!;
    return node.kind === 'placeholder' || node.data.length > printedConstantLimit;
  };
  return { id: chosen.id, graphs: traced.graphs.size, ...planExport(main, captured, isLost) };
}

/** `open`: sizes in which the family of the graph differs are symbols; `recorded`: all sizes are those of the graph. */
export type TracedSizes = 'open' | 'recorded';

/** @throws FG5023 when there is no such graph, and what `exportModel` throws. */
export async function exportTrace(
  input: TraceInput,
  file: string,
  id: string | undefined,
  context: Context,
  sizes: TracedSizes = 'open',
): Promise<ExportReport> {
  const traced = await tracedGraph(input, id, context);
  const { fixed, open } = traced;
  const model = exportModel(sizes === 'recorded' ? fixed : (open ?? fixed), opTable, traced.id);
  verifyModel(model, []);
  writeModelFile(file, model);
  return {
    kind: 'exported',
    graph: traced.id,
    graphs: traced.graphs,
    summary: summarizeModel(model),
    notes: [
      'A trace holds no values: weights are inputs of this model. Export the program itself to have them inside.',
    ],
  };
}
