/** Legality of a graph: names unique, values defined before use, outputs present. Run after each pass in tests. */
import { InternalError } from './errors.ts';
import { refKey, typeOf, type Graph, type GraphNode } from './graph.ts';

/** One sentence per fault, in graph order; empty for a legal graph. */
export function graphFaults(graph: Graph): string[] {
  const faults: string[] = [];
  const seen = new Map<string, GraphNode>();
  for (const node of graph.nodes) {
    if (node.kind === 'call') {
      for (const input of node.inputs) {
        if (input !== undefined && typeOf(seen, input) === undefined) {
          faults.push(`${node.name} reads ${refKey(input)}, which is not defined before it`);
        }
      }
    }
    if (seen.has(node.name)) faults.push(`${node.name} is defined twice`);
    seen.set(node.name, node);
  }
  for (const output of graph.outputs) {
    if (typeOf(seen, output) === undefined) faults.push(`output ${refKey(output)} is not defined`);
  }
  return faults;
}

/** @throws FG9001 naming the first fault of an illegal graph. */
export function verifyGraph(graph: Graph): void {
  const [fault] = graphFaults(graph);
  if (fault !== undefined) throw new InternalError(`graph ${graph.name}: ${fault}`, { code: 'FG9001' });
}
