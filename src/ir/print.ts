/**
 * Text form of a graph, one node per line in A-normal form. {@link ./parse.ts} reads it back; the pair round-trips.
 *
 *     graph mlp
 *       input x: float32[2,3]
 *       state kernel: float32[3,4]
 *       const half: float32[] = [0.5]
 *       matmul: float32[2,4] = BatchMatMul(x, kernel) {"transposeA":false}
 *       return matmul
 */
import type { Attributes, AttributeValue, Graph, GraphNode } from './graph.ts';
import { refKey } from './graph.ts';
import { formatType, type HostArray } from './tensor-type.ts';

/** Constants with more elements than this print as `[...]` and parse as zeros. */
export const printedConstantLimit = 16;

const spelledNumbers: ReadonlyMap<number, string> = new Map([
  [Infinity, 'inf'],
  [-Infinity, '-inf'],
]);

/** JSON for an attribute; NaN, infinities and undefined, which JSON lacks, become tagged strings. */
export function encodeAttributes(attributes: Attributes): string {
  return JSON.stringify(attributes, (_key, value: AttributeValue) => {
    if (value === undefined) return '$undefined';
    if (typeof value !== 'number' || Number.isFinite(value)) return value;
    return `$${spelledNumbers.get(value) ?? 'nan'}`;
  });
}

function formatData(data: HostArray): string {
  if (data.length > printedConstantLimit) return '[...]';
  const words = Array.from(data as ArrayLike<number | Uint8Array>, (value) =>
    typeof value === 'number'
      ? Object.is(value, -0)
        ? '-0'
        : (spelledNumbers.get(value) ?? (Number.isNaN(value) ? 'nan' : String(value)))
      : JSON.stringify(Buffer.from(value).toString('base64')),
  );
  return `[${words.join(', ')}]`;
}

/** One node as one line, without indentation. */
export function printNode(node: GraphNode): string {
  switch (node.kind) {
    case 'placeholder':
      return `${node.role} ${node.name}: ${formatType(node.type)}`;
    case 'constant':
      return `const ${node.name}: ${formatType(node.type)} = ${formatData(node.data)}`;
    case 'call': {
      const types = node.outputs.map(formatType).join(', ');
      const inputs = node.inputs.map((input) => (input === undefined ? '_' : refKey(input))).join(', ');
      const attributes = encodeAttributes(node.attributes);
      return `${node.name}: ${types} = ${node.kernel}(${inputs})${attributes === '{}' ? '' : ` ${attributes}`}`;
    }
    default:
      return node satisfies never;
  }
}

/** The whole graph, ending in a newline. */
export function printGraph(graph: Graph): string {
  const lines = graph.nodes.map((node) => `  ${printNode(node)}`);
  return [`graph ${graph.name}`, ...lines, `  return ${graph.outputs.map(refKey).join(', ')}`, ''].join('\n');
}
