/**
 * Guards: facts that a compiled graph relies on, and the differences found when a call arrives with other facts.
 * After Dynamo's guards, but compared as data, and all differences are reported, not the first.
 */
import { nodesByName, refKey, type AttributeValue, type Graph, type GraphNode } from './graph.ts';
import { float32Text } from './number-text.ts';
import { formatType, sameContents } from './tensor-type.ts';

/** What kind of fact changed. `structure`: another op stream; `weights`: a frozen constant was replaced. */
export type GuardKind =
  | 'structure'
  | 'shape'
  | 'dtype'
  | 'attribute'
  | 'constant'
  | 'weights'
  | 'outputs'
  | 'backend'
  | 'stride'
  | 'other';

/** One guarded fact that differed. Values are short texts, ready to show. */
export interface GuardDifference {
  readonly kind: GuardKind;
  /** What was guarded, in the user's words where known: `x.shape[0]`, `dropout.rate`, `weights of dense_3`. */
  readonly what: string;
  readonly expected: string;
  readonly actual: string;
}

function describeValue(value: AttributeValue): string {
  return JSON.stringify(value) ?? 'undefined';
}

function attributeDifferences(expected: GraphNode, actual: GraphNode): GuardDifference[] {
  if (expected.kind !== 'call' || actual.kind !== 'call') return [];
  const names = new Set([...Object.keys(expected.attributes), ...Object.keys(actual.attributes)]);
  return [...names].flatMap((name): GuardDifference[] => {
    const before = describeValue(expected.attributes[name]);
    const after = describeValue(actual.attributes[name]);
    if (before === after) return [];
    return [{ kind: 'attribute', what: `${actual.name}.${name}`, expected: before, actual: after }];
  });
}

function typeDifferences(expected: GraphNode, actual: GraphNode): GuardDifference[] {
  if (expected.kind === 'call' || actual.kind === 'call') return [];
  const before = expected.type;
  const after = actual.type;
  if (before.dtype !== after.dtype) {
    return [{ kind: 'dtype', what: `${actual.name}.dtype`, expected: before.dtype, actual: after.dtype }];
  }
  if (before.shape.length !== after.shape.length) {
    return [{ kind: 'shape', what: actual.name, expected: formatType(before), actual: formatType(after) }];
  }
  return before.shape.flatMap((dim, axis): GuardDifference[] =>
    dim === after.shape[axis]
      ? []
      : [
          {
            kind: 'shape',
            what: `${actual.name}.shape[${axis}]`,
            expected: String(dim),
            actual: String(after.shape[axis]),
          },
        ],
  );
}

/** The sign of a zero is not shown. */
function describeNumber(value: unknown, dtype: string): string {
  return typeof value === 'number' && dtype === 'float32' ? float32Text(value + 0) : String(value);
}

function constantDifferences(expected: GraphNode, actual: GraphNode): GuardDifference[] {
  if (expected.kind !== 'constant' || actual.kind !== 'constant') return [];
  const limit = 4;
  const show = (node: typeof expected): string =>
    `[${Array.prototype.slice
      .call(node.data, 0, limit)
      .map((value) => describeNumber(value, node.type.dtype))
      .join(', ')}${node.data.length > limit ? ', ...' : ''}]`;
  return sameContents(expected.data, actual.data)
    ? []
    : [{ kind: 'constant', what: actual.name, expected: show(expected), actual: show(actual) }];
}

/**
 * All differences between a cached graph and one that arrived at the same site, in graph order. Shapes of
 * intermediate values are left out: they follow from the inputs.
 */
export function compareGraphs(expected: Graph, actual: Graph): GuardDifference[] {
  const differences: GuardDifference[] = [];
  const rename = new Map<string, string>();
  const count = Math.max(expected.nodes.length, actual.nodes.length);
  for (let index = 0; index < count; index++) {
    const before = expected.nodes[index];
    const after = actual.nodes[index];
    const name = (node: GraphNode | undefined): string =>
      node === undefined ? 'end of graph' : node.kind === 'call' ? node.kernel : node.kind;
    const wired = (node: GraphNode, map: ReadonlyMap<string, string>): string =>
      node.kind !== 'call'
        ? ''
        : node.inputs
            .map((ref) => (ref === undefined ? '_' : refKey({ ...ref, node: map.get(ref.node) ?? ref.node })))
            .join();
    const sameKind =
      before !== undefined &&
      after !== undefined &&
      name(before) === name(after) &&
      wired(before, rename) === wired(after, new Map());
    if (!sameKind) {
      differences.push({
        kind: 'structure',
        what: `op ${index}`,
        expected: name(before),
        actual: name(after),
      });
      break;
    }
    rename.set(before.name, after.name);
    differences.push(
      ...typeDifferences(before, after),
      ...constantDifferences(before, after),
      ...attributeDifferences(before, after),
    );
  }
  const outputs = (graph: Graph, map: ReadonlyMap<string, string>): string =>
    graph.outputs.map((ref) => refKey({ ...ref, node: map.get(ref.node) ?? ref.node })).join(', ');
  const before = outputs(expected, rename);
  const after = outputs(actual, new Map());
  if (differences.every((difference) => difference.kind !== 'structure') && before !== after) {
    differences.push({
      kind: 'outputs',
      what: 'values alive after the graph',
      expected: before,
      actual: after,
    });
  }
  return differences;
}

/** Whether both graphs have the same number of nodes of the same kernels: a cheap "same site" test. */
export function haveSameKernels(left: Graph, right: Graph): boolean {
  return (
    left.nodes.length === right.nodes.length &&
    nodesByName(left).size === nodesByName(right).size &&
    left.nodes.every((node, index) => {
      const other = right.nodes[index]!;
      return node.kind === 'call'
        ? other.kind === 'call' && other.kernel === node.kernel
        : other.kind === node.kind;
    })
  );
}
