/** Snippets as programs: what is used once is written in place, what is used twice gets a name. */
import { canonicalTree } from '../source/edit.ts';
import { parseFile, type SourceTree } from '../source/source-tree.ts';
import { nodesIn, type Leaf, type Snippet, type SnippetValue } from './snippet.ts';

function isName(text: string): boolean {
  return /^[A-Za-z_$][\w$]*$/.test(text);
}

function printNumber(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/** The one value that all elements have. */
export function constantOf(leaf: Leaf): number | undefined {
  const [first = 1] = leaf.values;
  return leaf.values.every((value) => value === first) ? Number(first) : undefined;
}

function printLeaf(leaf: Leaf): string {
  const { shape, dtype, values, form } = leaf;
  const dims = `[${shape.join(', ')}]`;
  const suffix = dtype === 'float32' ? '' : `, '${dtype}'`;
  if (form === 'random')
    return `tf.randomNormal(${dims}, 0, 1, 'float32', 1)${dtype === 'float32' ? '' : `.cast('${dtype}')`}`;
  const constant = constantOf(leaf);
  if (form === 'constant' && constant !== undefined) {
    if (shape.length === 0) return `tf.scalar(${printNumber(constant)}${suffix})`;
    if (constant === 0 && !Object.is(constant, -0)) return `tf.zeros(${dims}${suffix})`;
    if (constant === 1) return `tf.ones(${dims}${suffix})`;
    return `tf.fill(${dims}, ${printNumber(constant)}${suffix})`;
  }
  if (shape.length === 0) return `tf.scalar(${String(values[0])}${suffix})`;
  return `tf.tensor([${values.join(', ')}], ${dims}${suffix})`;
}

/** The program, as an ES module; `read` makes it read the result of the last call. */
export function printSnippet(snippet: Snippet, read: boolean): SourceTree | undefined {
  const { nodes, specifier } = snippet;
  const uses = new Map<number, number>();
  for (const node of nodes) {
    if (node.kind !== 'call') continue;
    for (const index of node.arguments.flatMap(nodesIn)) uses.set(index, (uses.get(index) ?? 0) + 1);
  }
  const lines = [`import * as tf from '${specifier}';`];
  const texts: string[] = [];
  const printValue = (value: SnippetValue): string => {
    switch (value.kind) {
      case 'node':
        return texts[value.index]!;
      case 'list':
        return `[${value.items.map(printValue).join(', ')}]`;
      case 'object':
        return `{ ${value.entries
          .map(([key, item]) => `${isName(key) ? key : JSON.stringify(key)}: ${printValue(item)}`)
          .join(', ')} }`;
      case 'literal':
        if (typeof value.value === 'number') return printNumber(value.value);
        return value.value === undefined ? 'undefined' : JSON.stringify(value.value);
      default:
        return value satisfies never;
    }
  };
  nodes.forEach((node, index) => {
    const parameters = node.kind === 'call' ? node.arguments.map(printValue) : [];
    const text =
      node.kind === 'leaf'
        ? printLeaf(node)
        : node.level === 'op'
          ? `tf.${node.callee}(${parameters.join(', ')})`
          : `tf.engine().runKernel('${node.callee}', ${parameters.join(', ')})`;
    if ((uses.get(index) ?? 0) > 1) {
      lines.push(`const x${index} = ${text};`);
      texts.push(`x${index}`);
    } else texts.push(text);
  });
  lines.push(`${texts.at(-1)}${read ? '.print()' : ''};`);
  const file = parseFile('snippet.mjs', lines.join('\n'), 'module');
  return file && canonicalTree({ files: [file], entry: file.path });
}
