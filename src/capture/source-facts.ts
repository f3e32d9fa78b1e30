/**
 * What the program's text says about a call: the variable it is kept in, the expression it is made on, the loop around
 * it, the branch that its value decides. Found from the position that V8 reports for a stack frame, in the original
 * source; the program itself is not rewritten, so it cannot behave differently (ADR 0004).
 */
import { tsPlugin } from '@sveltejs/acorn-typescript';
import { Parser } from 'acorn';
import { childrenOf, functionTypes, isTree, type Tree } from '../syntax-tree.ts';

/** What the program's text says about a call. */
export interface CallFacts {
  /** What a method is called on: `loss` in `loss.dataSync()`. */
  readonly receiver?: string;
  /** The method or function: `dataSync`. */
  readonly callee?: string;
  /** The texts of its arguments: `['w', 'rate']` in `tf.mul(w, rate)`. */
  readonly operands?: readonly string[];
  /** The variable or property that the call's value goes into: `loss` in `const loss = await f()`. */
  readonly target?: string;
  /** The nearest loop around the call in its function: `for`, `while`, `map callback`... */
  readonly loop?: { readonly kind: string; readonly line: number };
  /** The condition that the value decides: `loss < best`. */
  readonly branch?: { readonly text: string; readonly line: number };
  /** Name of the enclosing function; absent at module level. */
  readonly function?: string;
}

export interface SourceFacts {
  /** Facts on the call at a position (both from 1), as V8 reports it for a frame. Empty when there is no call there. */
  at(line: number, column: number): CallFacts;
}

const loopKinds: ReadonlyMap<string, string> = new Map([
  ['ForStatement', 'for'],
  ['ForOfStatement', 'for...of'],
  ['ForInStatement', 'for...in'],
  ['WhileStatement', 'while'],
  ['DoWhileStatement', 'do...while'],
]);
const iterationMethods: ReadonlySet<string> = new Set([
  'map',
  'forEach',
  'filter',
  'reduce',
  'some',
  'every',
  'find',
  'flatMap',
  'findIndex',
]);
const testTypes: ReadonlySet<string> = new Set([
  'IfStatement',
  'WhileStatement',
  'DoWhileStatement',
  'ForStatement',
  'ConditionalExpression',
  'SwitchStatement',
]);

const shownLengthChars = 60;

function parse(text: string, file: string): Tree | undefined {
  const isTyped = /\.[mc]?tsx?$/.test(file);
  const options = { ecmaVersion: 'latest', locations: true, allowHashBang: true } as const;
  const parser = isTyped ? Parser.extend(tsPlugin({ jsx: file.endsWith('x') })) : Parser;
  for (const sourceType of ['module', 'script'] as const) {
    try {
      return parser.parse(text, {
        ...options,
        sourceType,
        allowReturnOutsideFunction: true,
      }) as unknown as Tree;
    } catch {
      // Not this kind of file; a file that is neither has no facts.
    }
  }
  return undefined;
}

/** Innermost call around an offset whose callee name, parenthesis or `new` V8 may point at, with its ancestors. */
function findCall(
  root: Tree,
  offset: number,
): { readonly call: Tree; readonly ancestors: readonly Tree[] } | undefined {
  let found: { call: Tree; ancestors: Tree[] } | undefined;
  const path: Tree[] = [];
  const visit = (node: Tree): void => {
    if (offset < node.start || offset > node.end) return;
    if (node.type === 'CallExpression' || node.type === 'NewExpression') {
      const callee = node['callee'] as Tree;
      const property = callee.type === 'MemberExpression' ? (callee['property'] as Tree) : callee;
      const isHere =
        node.type === 'NewExpression'
          ? offset <= property.end
          : offset >= property.start && offset <= property.end + 1;
      if (isHere) found = { call: node, ancestors: [...path] };
    }
    path.push(node);
    for (const child of childrenOf(node)) visit(child);
    path.pop();
  };
  visit(root);
  return found;
}

export function analyzeSource(text: string, file: string): SourceFacts | undefined {
  const root = parse(text, file);
  if (root === undefined) return undefined;
  const lineStarts = [0];
  for (let index = text.indexOf('\n'); index >= 0; index = text.indexOf('\n', index + 1))
    lineStarts.push(index + 1);

  const show = (node: Tree): string => {
    // A TypeScript identifier's range includes its type annotation.
    if (node.type === 'Identifier') return node['name'] as string;
    const source = text.slice(node.start, node.end).replaceAll(/\s+/g, ' ');
    return source.length <= shownLengthChars ? source : `${source.slice(0, shownLengthChars - 1)}…`;
  };
  const lineOf = (node: Tree): number => node.loc!.start.line;

  /** The variable that a value flows into from `node`, through await, member access, casts and method chains on it. */
  function targetOf(ancestors: readonly Tree[]): string | undefined {
    for (const parent of ancestors.toReversed()) {
      if (parent.type === 'VariableDeclarator') return show(parent['id'] as Tree);
      if (parent.type === 'AssignmentExpression') return show(parent['left'] as Tree);
      if (parent.type === 'PropertyDefinition' || parent.type === 'Property')
        return show(parent['key'] as Tree);
      if (functionTypes.has(parent.type) || parent.type.endsWith('Statement')) return undefined;
    }
    return undefined;
  }

  function loopOf(ancestors: readonly Tree[]): CallFacts['loop'] {
    for (const [above, parent] of ancestors.toReversed().entries()) {
      const kind = loopKinds.get(parent.type);
      if (kind !== undefined) return { kind, line: lineOf(parent) };
      if (!functionTypes.has(parent.type)) continue;
      const owner = ancestors.at(-above - 2);
      const callee = owner?.type === 'CallExpression' ? (owner['callee'] as Tree) : undefined;
      const method = callee?.type === 'MemberExpression' ? show(callee['property'] as Tree) : undefined;
      // A callback of an array method is a loop body; any other function ends the search.
      if (method === undefined || !iterationMethods.has(method)) return undefined;
      return { kind: `${method} callback`, line: lineOf(owner!) };
    }
    return undefined;
  }

  function testAround(ancestors: readonly Tree[], node: Tree): Tree | undefined {
    return ancestors.findLast((parent) => {
      if (!testTypes.has(parent.type)) return false;
      const test = (parent['test'] ?? parent['discriminant']) as Tree | null | undefined;
      return test !== null && test !== undefined && test.start <= node.start && node.end <= test.end;
    });
  }

  /** First condition behind `from` in `scope` that mentions `name`. */
  function laterTest(scope: Tree, name: string, from: number): Tree | undefined {
    const mentions = new RegExp(
      `(?<![\\w$.])${name.replaceAll(/[$.*+?()[\]{}|\\^]/g, String.raw`\$&`)}(?![\\w$])`,
    );
    const found: Tree[] = [];
    const visit = (node: Tree): void => {
      const test = testTypes.has(node.type)
        ? ((node['test'] ?? node['discriminant']) as Tree | null)
        : undefined;
      if (isTree(test) && test.start >= from && mentions.test(text.slice(test.start, test.end)))
        found.push(test);
      for (const child of childrenOf(node)) visit(child);
    };
    visit(scope);
    return found.toSorted((left, right) => left.start - right.start)[0];
  }

  function branchOf(call: Tree, ancestors: readonly Tree[], target: string | undefined): CallFacts['branch'] {
    const around = testAround(ancestors, call);
    const scope = ancestors.findLast((node) => functionTypes.has(node.type)) ?? root!;
    // `const [a, b] = x.dataSync()` declares a and b.
    const names = target?.match(/[\w$]+(?:\.[\w$]+)*/g) ?? [];
    const test =
      around === undefined
        ? names.map((name) => laterTest(scope, name, call.end)).find((node) => node !== undefined)
        : ((around['test'] ?? around['discriminant']) as Tree);
    return test === undefined ? undefined : { text: show(test), line: lineOf(test) };
  }

  function functionOf(ancestors: readonly Tree[]): string | undefined {
    const index = ancestors.findLastIndex((node) => functionTypes.has(node.type));
    if (index < 0) return undefined;
    const own = ancestors[index]!['id'];
    if (isTree(own)) return show(own);
    const owner = ancestors[index - 1];
    const named = owner?.type === 'VariableDeclarator' ? owner['id'] : owner?.['key'];
    return isTree(named) ? show(named) : undefined;
  }

  const known = new Map<number, CallFacts>();
  function facts(offset: number): CallFacts {
    const found = findCall(root!, offset);
    if (found === undefined) return {};
    const { call, ancestors } = found;
    const callee = call['callee'] as Tree;
    const isMethod = callee.type === 'MemberExpression';
    const target = targetOf(ancestors);
    const loop = loopOf(ancestors);
    const branch = branchOf(call, ancestors, target);
    const inside = functionOf(ancestors);
    return {
      ...(isMethod ? { receiver: show(callee['object'] as Tree) } : {}),
      callee: show(isMethod ? (callee['property'] as Tree) : callee),
      operands: (call['arguments'] as Tree[]).map(show),
      ...(target === undefined ? {} : { target }),
      ...(loop === undefined ? {} : { loop }),
      ...(branch === undefined ? {} : { branch }),
      ...(inside === undefined ? {} : { function: inside }),
    };
  }

  return {
    at(line, column) {
      const start = lineStarts[line - 1];
      if (start === undefined) return {};
      const offset = start + column - 1;
      const cached = known.get(offset) ?? facts(offset);
      known.set(offset, cached);
      return cached;
    },
  };
}
