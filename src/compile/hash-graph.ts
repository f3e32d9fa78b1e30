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

const typeText = ({ dtype, shape }: TensorType): string => `${dtype}[${shape.join()}]`;

function contentsText(data: HostArray): string {
  return ArrayBuffer.isView(data) ? hashArray(data) : JSON.stringify(data);
}

/** @param settings everything else that makes executables differ: versions, options, processor. */
export function hashGraph(graph: Graph, settings: string): string {
  const parts: string[] = [settings];
  for (const node of graph.nodes) {
    if (node.kind === 'call') {
      const inputs = node.inputs.map((ref) => (ref === undefined ? '_' : refKey(ref)));
      const outputs = node.outputs.map(typeText);
      parts.push(
        `${node.name}=${node.kernel}(${inputs.join()})${outputs.join()}${attributesText(node.attributes)}`,
      );
    } else if (node.kind === 'placeholder') {
      parts.push(`${node.name}:${node.role}${typeText(node.type)}`);
    } else {
      parts.push(`${node.name}:${typeText(node.type)}${contentsText(node.data)}`);
    }
  }
  parts.push(graph.outputs.map(refKey).join());
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 32);
}
