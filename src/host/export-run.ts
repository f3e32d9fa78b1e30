/**
 * `fullgraph export` inside the program's process: watches what runs, picks the graph that was asked for, and writes it as
 * .onnx when the program ends. Weights are what variables hold, or what stayed the same from run to run.
 */
import { writeFileSync } from 'node:fs';
import type { FinishedRun } from '../capture/recorder.ts';
import type { Executable } from '../ir/executable.ts';
import { opTable } from '../compile/ops/index.ts';
import {
  isSameProgram,
  planExport,
  type CapturedGraph,
  type CapturedVariant,
} from '../export/captured-graph.ts';
import { exportModel } from '../export/export-model.ts';
import { summarizeModel, type ModelSummary } from '../export/summarize-model.ts';
import { verifyModel, type ModelSample, type Numbers } from '../export/verify-model.ts';
import { FullgraphError, UserError } from '../ir/errors.ts';
import type { Graph } from '../ir/graph.ts';
import type { HostArray } from '../ir/tensor-type.ts';
import { writeModelFile } from '../onnx/index.ts';
import type { ExportRequest } from './options.ts';

/** What the process says about the export, as JSON in the report file. */
export type ExportReport =
  | {
      readonly kind: 'exported';
      readonly graph: string;
      readonly graphs: number;
      readonly summary: ModelSummary;
      readonly largestError?: number;
      readonly notes: readonly string[];
    }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string; readonly hint?: string };

/** Makes the reference's executable for a graph. */
export type Interpret = (graph: Graph, leaves: readonly HostArray[]) => Executable;

type Leaf = FinishedRun['leaves'][number];

interface SeenGraph {
  readonly graph: Graph;
  leaves: readonly Leaf[];
  runs: number;
  /** Per leaf: another tensor came with some run. */
  readonly hasChanged: boolean[];
}

/** Graphs that are kept with their leaves. */
const seenLimit = 256;

function hasNewContents(before: Leaf, after: Leaf, isConstant: boolean): boolean {
  if (before === after) return false;
  if (!isConstant) return true;
  const [left, right] = [before.host!, after.host!];
  return left.length !== right.length || left.some((value, index) => !Object.is(value, right[index]));
}

function workOf({ graph, runs }: SeenGraph): number {
  return graph.nodes.filter((node) => node.kind === 'call').length * runs;
}

/** Positions of the leaves that are inputs. */
function chooseInputs(
  seen: SeenGraph,
  siblings: readonly SeenGraph[],
  names: readonly string[] | undefined,
  notes: string[],
): Set<number> {
  const leaves = seen.graph.nodes.filter((node) => node.kind !== 'call');
  if (names !== undefined) {
    const unknown = names.find((name) => leaves.every((leaf) => leaf.name !== name));
    if (unknown !== undefined) {
      throw new UserError(`graph ${seen.graph.name} has no tensor ${unknown} that comes from outside`, {
        code: 'FG5023',
        hint: `It has ${leaves.map(({ name }) => name).join(', ')}.`,
      });
    }
    return new Set(leaves.flatMap(({ name }, index) => (names.includes(name) ? [index] : [])));
  }
  const open = leaves.flatMap((leaf, index) =>
    leaf.kind === 'placeholder' && leaf.role === 'input' ? [index] : [],
  );
  const differs = (index: number): boolean =>
    leaves[index]!.kind === 'placeholder' &&
    siblings.some((sibling) => sibling.leaves[index] !== seen.leaves[index]);
  const changed = leaves.flatMap((_, index) =>
    seen.hasChanged[index] === true || differs(index) ? [index] : [],
  );
  const hasState = leaves.some((leaf) => leaf.kind === 'placeholder' && leaf.role === 'state');
  if (hasState) return new Set([...open, ...changed.filter((index) => leaves[index]!.kind === 'constant')]);
  if (changed.length > 0) return new Set(changed);
  const newest = open.reduce<number | undefined>(
    (best, index) => (best === undefined || seen.leaves[index]!.id > seen.leaves[best]!.id ? index : best),
    undefined,
  );
  if (newest !== undefined && open.length > 1) {
    notes.push(
      `No tensor changed between runs: ${leaves[newest]!.name}, made last, is the input, the others are weights. --inputs says otherwise.`,
    );
  }
  return new Set(newest === undefined ? [] : [newest]);
}

function sampleOf({ graph, leaves }: CapturedVariant, interpret: Interpret): ModelSample {
  const values = leaves as readonly HostArray[];
  const inputs = graph.nodes.flatMap((node, index) =>
    node.kind === 'placeholder'
      ? [[node.name, { data: values[index] as Numbers, dims: node.type.shape as readonly number[] }] as const]
      : [],
  );
  return { inputs: new Map(inputs), outputs: interpret(graph, values).run(values) as Numbers[] };
}

export interface ExportCollector {
  onRun(run: FinishedRun): void;
  /** Writes the model and the report. Never throws. */
  finish(interpret: Interpret | undefined): void;
}

export function createExportCollector(request: ExportRequest): ExportCollector {
  const seen = new Map<string, SeenGraph>();

  function choose(): SeenGraph {
    const all = [...seen.values()];
    const [first] = all;
    if (first === undefined) {
      throw new UserError('the program ran no graph', {
        code: 'FG5023',
        hint: 'Export a program that computes something with TensorFlow.js and reads the result.',
      });
    }
    if (request.graph === undefined)
      return all.reduce((best, next) => (workOf(next) > workOf(best) ? next : best), first);
    const chosen = seen.get(request.graph);
    if (chosen !== undefined) return chosen;
    throw new UserError(`the program ran no graph ${request.graph}`, {
      code: 'FG5023',
      hint: `It ran ${[...seen.keys()].join(', ')}.`,
    });
  }

  function write(interpret: Interpret): ExportReport {
    const chosen = choose();
    const notes: string[] = [];
    const siblings = [...seen.values()].filter((other) => isSameProgram(chosen.graph, other.graph));
    const inputs = chooseInputs(chosen, siblings, request.inputs, notes);
    const hosts = (item: SeenGraph): HostArray[] => item.leaves.map((leaf) => leaf.host!);
    const capturedGraph = (item: SeenGraph): CapturedGraph => ({
      graph: item.graph,
      leaves: hosts(item),
      shapes: item.leaves.map((leaf) => leaf.type.shape),
    });
    const captured = [...seen.values()].map(capturedGraph);
    const main = capturedGraph(chosen);
    const { fixed, open } = planExport(main, captured, (leaf) => inputs.has(leaf));
    const sample = sampleOf(fixed.variants[0]!, interpret);
    let model = exportModel(fixed, opTable, chosen.graph.name);
    let largestError = verifyModel(model, [sample]);
    if (open !== undefined) {
      try {
        const openModel = exportModel(open, opTable, chosen.graph.name);
        // A size of the box and one that the formulas were not made from, if there is any.
        largestError = verifyModel(openModel, [sample, sampleOf(open.variants.at(-1)!, interpret)]);
        model = openModel;
      } catch (error) {
        if (!(error instanceof FullgraphError)) throw error;
        notes.push(`All sizes are fixed: ${error.message}.`);
      }
    }
    writeModelFile(request.file, model);
    const summary = summarizeModel(model);
    return { kind: 'exported', graph: chosen.graph.name, graphs: seen.size, summary, largestError, notes };
  }

  return {
    onRun({ graph, leaves }) {
      const known = seen.get(graph.name);
      if (known === undefined) {
        if (seen.size < seenLimit || graph.name === request.graph) {
          seen.set(graph.name, { graph, leaves, runs: 1, hasChanged: leaves.map(() => false) });
        }
        return;
      }
      known.runs++;
      const nodes = graph.nodes;
      for (const [index, leaf] of leaves.entries()) {
        if (hasNewContents(known.leaves[index]!, leaf, nodes[index]!.kind === 'constant')) {
          known.hasChanged[index] = true;
        }
      }
      known.leaves = leaves;
    },
    finish(interpret) {
      let report: ExportReport;
      try {
        if (interpret === undefined) {
          throw new UserError('the program loaded no TensorFlow.js', {
            code: 'FG5023',
            hint: 'Export a program that computes something with TensorFlow.js.',
          });
        }
        report = write(interpret);
      } catch (error) {
        const { message } = error as Error;
        report =
          error instanceof FullgraphError
            ? {
                kind: 'failed',
                code: error.code,
                message,
                ...(error.hint === undefined ? {} : { hint: error.hint }),
              }
            : { kind: 'failed', code: 'FG9001', message: (error as Error).stack ?? message };
      }
      writeFileSync(request.report, JSON.stringify(report));
    },
  };
}
