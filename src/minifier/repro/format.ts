/** The last touch: object literals that fit on a line are written on one, which the printer of candidates never does. */
import { contains, findAll, parentsOf, type Node } from '../source/ast.ts';
import { parseFile, type SourceFile, type SourceTree } from '../source/source-tree.ts';

const maxWidth = 80;

/** Line breaks in there may mean something, or are worth keeping. */
function keepsLines(node: Node): boolean {
  return contains(
    node,
    ({ type }) =>
      type === 'TemplateLiteral' ||
      type === 'BlockStatement' ||
      type === 'ClassBody' ||
      type === 'StaticBlock',
  );
}

function formatFile(file: SourceFile): SourceFile {
  const parents = parentsOf(file.program);
  const folded = new Map<Node, string>();
  const isInside = (node: Node): boolean => {
    for (let outer = parents.get(node); outer !== undefined; outer = parents.get(outer)) {
      if (folded.has(outer)) return true;
    }
    return false;
  };
  for (const node of findAll(file.program, 'ObjectExpression')) {
    const text = file.text.slice(node.start, node.end);
    const line = text.replaceAll(/\n\s*/g, ' ');
    if (line !== text && line.length <= maxWidth && !isInside(node) && !keepsLines(node))
      folded.set(node, line);
  }
  const inOrder = [...folded].sort(([left], [right]) => left.start - right.start);
  let text = '';
  let end = 0;
  for (const [node, line] of inOrder) {
    text += file.text.slice(end, node.start) + line;
    end = node.end;
  }
  return parseFile(file.path, text + file.text.slice(end), file.format) ?? file;
}

/** The same program, nicer to read. */
export function formatTree(tree: SourceTree): SourceTree {
  return { ...tree, files: tree.files.map(formatFile) };
}
