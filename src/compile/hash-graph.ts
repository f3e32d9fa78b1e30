/** A key of all that a compiled graph depends on: kernels, attributes, types, wiring, contents of constants, settings. */
import { createHash } from 'node:crypto';
import { refKey, type Attributes, type Graph } from '../ir/graph.ts';
import type { HostArray, TensorType } from '../ir/tensor-type.ts';
import { hashArray } from './hash-segment.ts';

/** Calls with equal attributes share the object. */
const attributeTexts = new WeakMap<Attributes, string>();

/** Tells apart what JSON does not. */
function attributesText(attributes: Attributes): string {
  const known = attributeTexts.get(attributes);
  if (known !== undefined) return known;
  const text = JSON.stringify(attributes, (_, value: unknown) => {
    if (value === undefined) return { undefined: true };
    if (typeof value !== 'number' || (Number.isFinite(value) && !Object.is(value, -0))) return value;
    return { number: Object.is(value, -0) ? '-0' : String(value) };
  });
  attributeTexts.set(attributes, text);
  return text;
}

function contentsText(data: HostArray): string {
  return ArrayBuffer.isView(data) ? hashArray(data) : JSON.stringify(data);
}

/** @param settings everything else that makes executables differ: versions, options, processor. */
export function hashGraph(graph: Graph, settings: string): string {
  // Nodes of one form share the arrays that say their sizes.
  const shapeTexts = new Map<TensorType['shape'], string>();
  const typeText = ({ dtype, shape }: TensorType): string => {
    let text = shapeTexts.get(shape);
    if (text === undefined) shapeTexts.set(shape, (text = shape.join()));
    return `${dtype}[${text}]`;
  };
  // One string that grows: this runs once in a process, in code that V8 has not optimized.
  let text = settings;
  for (const node of graph.nodes) {
    text += `\n${node.name}`;
    if (node.kind === 'call') {
      text += `=${node.kernel}(`;
      for (const ref of node.inputs) text += ref === undefined ? '_,' : `${refKey(ref)},`;
      text += ')';
      for (const output of node.outputs) text += typeText(output);
      text += attributesText(node.attributes);
    } else if (node.kind === 'placeholder') {
      text += `:${node.role}${typeText(node.type)}`;
    } else {
      text += `:${typeText(node.type)}${contentsText(node.data)}`;
    }
  }
  text += `\n${graph.outputs.map(refKey).join()}`;
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
