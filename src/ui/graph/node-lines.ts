/** One node of a graph in words: what it computes, from what, for whom, where in the program, on what backend ops. */
import type { GraphReport, Report } from '../../explain/report.ts';
import { formatDuration, formatPlural, formatShare } from '../../explain/units.ts';
import { line, span, wrap, type Line } from '../lines.ts';
import { codeLines } from '../parts/code-lines.ts';
import { fact } from '../parts/format.ts';
import { stackLines } from '../parts/stack-lines.ts';
import type { GraphModel, ModelNode } from './graph-model.ts';

const profiled = new WeakMap<GraphReport, number>();

/** Time of all nodes of a profiled graph; 0 when it was not profiled. */
export function profiledMs(graph: GraphReport): number {
  const known = profiled.get(graph);
  if (known !== undefined) return known;
  let sum = 0;
  for (const durationMs of graph.nodeTimes.values()) sum += durationMs;
  profiled.set(graph, sum);
  return sum;
}

function timeText(graph: GraphReport, node: ModelNode): string | undefined {
  const own = graph.nodeTimes.get(node.name);
  if (own === undefined) return undefined;
  const all = profiledMs(graph);
  const share = all > 0 ? `, ${formatShare(own / all)} of the graph` : '';
  return `${formatDuration(own)} per run${share}`;
}

function neighbours(model: GraphModel, indices: readonly number[]): string {
  return indices
    .map((index) => {
      const { key, type } = model.nodes[index]!;
      return type === '' ? key : `${key}: ${type}`;
    })
    .join(', ');
}

/** Users beyond this are counted: a weight may have thousands. */
const mostUsers = 12;

function loweringText(graph: GraphReport, node: ModelNode): string | undefined {
  const fallback = graph.fallbacks.find((each) => each.node === node.name);
  if (fallback !== undefined) return undefined;
  const ops = graph.lowered.get(node.name);
  if (ops === undefined) return undefined;
  // A name is made of the node's and the operator's: `conv2D/Conv_2`.
  const types = ops.map((op) => op.slice(op.lastIndexOf('/') + 1).replace(/_\d+$/, ''));
  return types.length === 0 ? 'none: folded away, or another name for its input' : types.join(', ');
}

/** Attributes as `strides [1,1], pad valid`; what is no JSON stays as it is. */
function attributesText(text: string): string {
  if (!text.startsWith('{')) return text;
  try {
    const entries = Object.entries(JSON.parse(text) as Record<string, unknown>);
    return entries
      .filter(([, value]) => value !== '$undefined')
      .map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
      .join(', ');
  } catch {
    return text;
  }
}

export function nodeLines(
  report: Report,
  graph: GraphReport,
  model: GraphModel,
  index: number,
  width: number,
): Line[] {
  const node = model.nodes[index]!;
  const origin = graph.origins.get(node.name);
  const users = model.users[index]!;
  const fallback = graph.fallbacks.find((each) => each.node === node.name);
  const facts: (readonly [string, string | undefined])[] = [
    ['type', node.type === '' ? undefined : node.type],
    ['layer', origin === undefined || origin.scope.length === 0 ? undefined : origin.scope.join(' › ')],
    ['time', timeText(graph, node)],
    ['inputs', node.inputs.length === 0 ? undefined : neighbours(model, node.inputs)],
    ['users', users.length === 0 ? undefined : neighbours(model, users.slice(0, mostUsers))],
    ['', users.length > mostUsers ? `and ${users.length - mostUsers} more` : undefined],
    ['ONNX', loweringText(graph, node)],
    [node.kind === 'constant' ? 'value' : 'with', node.text === '' ? undefined : attributesText(node.text)],
  ];
  return [
    [span(node.name, 'strong'), span(`  ${node.op}`, 'accent')],
    ...facts.flatMap(([label, text]) => (text === undefined ? [] : fact(label, text, width))),
    ...(fallback === undefined
      ? []
      : wrap(`runs on an eager kernel between two sessions: ${fallback.reason}`, width, 'warning')),
    [],
    ...(origin?.site === undefined
      ? [line(`line ${node.line} of the graph's text (t)`, 'muted')]
      : codeLines(report, origin.site, width, 2)),
    ...(origin?.stack === undefined ? [] : [[], line('called from', 'muted'), ...stackLines(origin.stack)]),
  ];
}

/** `2 inputs, 4 states, 24 constants, 83 ops`. */
export function countKinds(model: GraphModel): string {
  const counts = new Map<string, number>();
  for (const { kind } of model.nodes) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return (['input', 'state', 'constant', 'op'] as const)
    .flatMap((kind) => (counts.has(kind) ? [formatPlural(counts.get(kind)!, kind)] : []))
    .join(', ');
}
