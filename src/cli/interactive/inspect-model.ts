/**
 * An ONNX model in the graphs view: its graph in the text form that the view reads, ONNX's own operators and types in it.
 * Layers come from the paths that exporters write into node names (`/encoder/layer.0/MatMul`).
 */
import { buildReport } from '../../explain/report-builder.ts';
import type { Report } from '../../explain/report.ts';
import type { AttributeValue } from '../../ir/graph.ts';
import { encodeAttributes } from '../../ir/print.ts';
import type { GraphRecord, NamedType, TraceRecord } from '../../ir/record.ts';
import {
  checkModel,
  printOnnx,
  readModelFile,
  type OnnxAttribute,
  type OnnxGraph,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
  type OnnxType,
} from '../../onnx/index.ts';
import { graphsView } from '../../ui/views/graphs-view.ts';
import { notesView } from '../../ui/views/notes-view.ts';
import { textsView } from '../../ui/views/texts-view.ts';
import type { Context, ExitCode } from '../command.ts';
import { endOf } from './inspect-input.ts';
import { openWorkbench } from './workbench.ts';

const graphId = 'g1';

/** Characters that mean something in the text form. */
function wordOf(name: string): string {
  return name.replaceAll(/[\s(),:={}]+/g, '_') || '_';
}

function typeText(type: OnnxType | undefined): string {
  if (type === undefined) return '?';
  if (type.kind !== 'tensor' && type.kind !== 'sparseTensor') return type.kind;
  const dims = type.dims === undefined ? '...' : type.dims.map((dim) => wordOf(String(dim ?? '?'))).join(',');
  return `${type.dataType}[${dims}]`;
}

function tensorType({ dataType, dims }: Pick<OnnxTensor, 'dataType' | 'dims'>): string {
  return `${dataType}[${dims.join(',')}]`;
}

function attributeValue(attribute: OnnxAttribute): AttributeValue {
  switch (attribute.kind) {
    case 'float':
    case 'floats':
      return attribute.value;
    case 'int':
      return Number(attribute.value);
    case 'ints':
      return attribute.value.map(Number);
    case 'string':
      return typeof attribute.value === 'string' ? attribute.value : `${attribute.value.length} bytes`;
    case 'tensor':
      return tensorType(attribute.value);
    case 'graph':
      return `graph of ${attribute.value.nodes.length} nodes`;
    default:
      return attribute.kind;
  }
}

function nodeLine(
  node: OnnxNode,
  refs: ReadonlyMap<string, string>,
  types: ReadonlyMap<string, string>,
): string {
  const inputs = node.inputs.map((name) => (name === '' ? '_' : (refs.get(name) ?? wordOf(name))));
  const outputs = node.outputs.map((name) => types.get(name) ?? '?').join(', ');
  const op = node.domain === '' ? node.opType : `${node.domain}.${node.opType}`;
  const attributes = encodeAttributes(
    Object.fromEntries(Object.entries(node.attributes).map(([name, each]) => [name, attributeValue(each)])),
  );
  return `${wordOf(node.outputs[0] ?? node.name)}: ${outputs} = ${wordOf(op)}(${inputs.join(', ')})${attributes === '{}' ? '' : ` ${attributes}`}`;
}

function textOf(graph: OnnxGraph): string {
  const refs = new Map<string, string>();
  const types = new Map<string, string>();
  for (const info of [...(graph.valueInfos ?? []), ...graph.inputs, ...graph.outputs])
    types.set(info.name, typeText(info.type));
  for (const node of graph.nodes) {
    const first = wordOf(node.outputs[0] ?? node.name);
    for (const [index, name] of node.outputs.entries())
      refs.set(name, index === 0 ? first : `${first}:${index}`);
  }
  const weights = new Set(graph.initializers.map((tensor) => tensor.name));
  return [
    `graph ${wordOf(graph.name)}`,
    ...graph.inputs
      .filter((info) => !weights.has(info.name))
      .map((info) => `  input ${wordOf(info.name)}: ${typeText(info.type)}`),
    ...graph.initializers.map((tensor) => `  const ${wordOf(tensor.name)}: ${tensorType(tensor)} = [...]`),
    ...graph.nodes.map((node) => `  ${nodeLine(node, refs, types)}`),
    `  return ${graph.outputs.map((info) => refs.get(info.name) ?? wordOf(info.name)).join(', ')}`,
    '',
  ].join('\n');
}

/** Folders of a node's name. */
function foldersOf(node: OnnxNode): readonly string[] {
  return node.name
    .split('/')
    .slice(0, -1)
    .filter((part) => part !== '');
}

/** The layers that the exporter saw: folders of names, without those that hold nothing but one node. */
function scopesOf(nodes: readonly OnnxNode[]): readonly (readonly string[])[] {
  const counts = new Map<string, number>();
  const all = nodes.map(foldersOf);
  const keyOf = (folders: readonly string[], depth: number): string => folders.slice(0, depth).join('/');
  for (const folders of all) {
    for (let depth = 1; depth <= folders.length; depth++) {
      const key = keyOf(folders, depth);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  return all.map((folders) => folders.filter((_, depth) => counts.get(keyOf(folders, depth + 1))! > 1));
}

function namedTypes(infos: OnnxGraph['inputs']): NamedType[] {
  return infos.flatMap(({ name, type }): NamedType[] =>
    type?.kind === 'tensor'
      ? [{ name, type: { dtype: type.dataType, shape: (type.dims ?? []).map((dim) => dim ?? '?') } }]
      : [],
  );
}

function graphRecord({ graph }: OnnxModel): GraphRecord {
  const opCounts: Record<string, number> = {};
  for (const { opType } of graph.nodes) opCounts[opType] = (opCounts[opType] ?? 0) + 1;
  const weights = new Set(graph.initializers.map((tensor) => tensor.name));
  const scopes = scopesOf(graph.nodes);
  return {
    kind: 'graph',
    id: graphId,
    name: graph.name || 'model',
    timeMs: 0,
    family: graphId,
    nodeCount: graph.nodes.length,
    opCounts,
    inputs: namedTypes(graph.inputs.filter((info) => !weights.has(info.name))),
    outputs: namedTypes(graph.outputs),
    text: textOf(graph),
    language: 'fullgraph',
    origins: graph.nodes.map((node, index) => ({
      node: wordOf(node.outputs[0] ?? node.name),
      scope: scopes[index]!,
    })),
  };
}

/** A report that holds the graph of a model, and what is wrong with it as notes. */
export function modelReport(model: OnnxModel, path: string): Report {
  const environment = {
    producer: `${model.producerName ?? 'unknown'} ${model.producerVersion ?? ''}`.trim(),
    opset: model.opsets.find((opset) => opset.domain === '')?.version ?? 0,
  };
  const records: TraceRecord[] = [
    {
      kind: 'header',
      schemaVersion: 1,
      source: 'fullgraph',
      program: path,
      arguments: [],
      cwd: '',
      startedAt: '',
      environment,
    },
    graphRecord(model),
    { kind: 'artifact', name: 'model.txt', owner: graphId, language: 'text', text: printOnnx(model) },
    ...checkModel(model).map((problem): TraceRecord => ({
      kind: 'note',
      severity: 'warning',
      code: 'onnx',
      text: problem.node === undefined ? problem.message : `${problem.node}: ${problem.message}`,
    })),
  ];
  return buildReport(records);
}

/** The model as text, for where there is no terminal. */
export function modelText(path: string): string {
  return printOnnx(readModelFile(path));
}

export async function inspectModel(path: string, context: Context): Promise<ExitCode> {
  const model = readModelFile(path);
  const { graph, producerName = 'an unknown producer', opsets } = model;
  const opset = opsets.find(({ domain }) => domain === '')?.version ?? '?';
  const bench = await openWorkbench(
    {
      report: modelReport(model, path),
      status: `${graph.nodes.length} nodes, opset ${opset}, from ${producerName}`,
      views: [graphsView, textsView, notesView],
      model: path,
    },
    context,
  );
  return endOf(bench);
}
