/**
 * Whether a function's text shows that its result follows from its arguments and from named values around it. JavaScript
 * cannot look into closures, so the names that a function uses from outside must be given; whatever else it could reach
 * (globals with state, `this`, assignments to what it did not make) means that nothing is shown. Never runs the function.
 */
import { parseExpressionAt } from 'acorn';
import { childrenOf, functionTypes, isTree, type Tree } from '../syntax-tree.ts';

/** How a name from outside is used. */
export interface OutsideUse {
  readonly name: string;
  /** The properties that lead from it to what is read or called: `['linalg', 'qr']` in `tf.linalg.qr(x)`. */
  readonly path: readonly string[];
  /** Called directly or by that path. */
  readonly isCalled: boolean;
}

export type Purity =
  | { readonly isShown: true; readonly uses: readonly OutsideUse[] }
  | { readonly isShown: false; readonly reason: string };

/** Globals that have no state and give the same answer to the same question. */
const pureGlobals: ReadonlySet<string> = new Set([
  'undefined',
  'NaN',
  'Infinity',
  'Math',
  'Number',
  'Boolean',
  'String',
  'Array',
  'Float32Array',
  'Float64Array',
  'Int32Array',
  'Uint8Array',
  'isNaN',
  'isFinite',
  'parseInt',
  'parseFloat',
  'Error',
  'TypeError',
  'RangeError',
]);

/** Properties of tensors and variables that differ or change although shapes and contents do not. */
const identities: ReadonlySet<string> = new Set([
  'id',
  'dataId',
  'scopeId',
  'kept',
  'isDisposed',
  'name',
  'trainable',
  'constructor',
]);

class Unshown extends Error {}

const refused: ReadonlyMap<string, string> = new Map([
  ['ThisExpression', 'uses `this`'],
  ['Super', 'uses `super`'],
  ['MetaProperty', 'uses `new.target`'],
  ['ImportExpression', 'imports a module'],
  ['AwaitExpression', 'waits'],
  ['YieldExpression', 'is a generator'],
  ['ClassDeclaration', 'makes a class'],
  ['ClassExpression', 'makes a class'],
  ['TaggedTemplateExpression', 'uses a tagged template'],
]);

/** Names that a pattern declares. */
function declaredBy(pattern: Tree | null | undefined, names: Set<string>): void {
  if (pattern === null || pattern === undefined) return;
  switch (pattern.type) {
    case 'Identifier':
      names.add(pattern['name'] as string);
      return;
    case 'ObjectPattern':
      for (const property of pattern['properties'] as Tree[]) {
        declaredBy((property['value'] ?? property['argument']) as Tree, names);
      }
      return;
    case 'ArrayPattern':
      for (const element of pattern['elements'] as (Tree | null)[]) declaredBy(element, names);
      return;
    case 'AssignmentPattern':
      declaredBy(pattern['left'] as Tree, names);
      return;
    case 'RestElement':
      declaredBy(pattern['argument'] as Tree, names);
      return;
    default:
  }
}

/** All names declared in a function, blocks and inner functions apart: shadowing inside it changes nothing outside. */
function declarationsIn(node: Tree, names: Set<string>): void {
  for (const child of childrenOf(node)) {
    if (child.type === 'VariableDeclarator') declaredBy(child['id'] as Tree, names);
    if (child.type === 'CatchClause') declaredBy(child['param'] as Tree | null, names);
    if (functionTypes.has(child.type)) {
      if (child.type === 'FunctionDeclaration') declaredBy(child['id'] as Tree | null, names);
      continue;
    }
    declarationsIn(child, names);
  }
}

/** `a.b.c` as its root and names; `undefined` for anything computed. */
function memberPath(node: Tree): { readonly root: Tree; readonly path: readonly string[] } | undefined {
  const path: string[] = [];
  let current = node;
  while (current.type === 'MemberExpression' || current.type === 'ChainExpression') {
    if (current.type === 'ChainExpression') {
      current = current['expression'] as Tree;
      continue;
    }
    if (current['computed'] === true) return undefined;
    path.unshift((current['property'] as Tree)['name'] as string);
    current = current['object'] as Tree;
  }
  return { root: current, path };
}

type Scope = readonly ReadonlySet<string>[];

class Walker {
  readonly uses: OutsideUse[] = [];

  #isLocal(name: string, scope: Scope): boolean {
    return scope.some((names) => names.has(name));
  }

  #use(name: string, path: readonly string[], isCalled: boolean, scope: Scope): void {
    if (this.#isLocal(name, scope)) return;
    if (pureGlobals.has(name)) {
      if (name === 'Math' && path[0] === 'random') throw new Unshown('uses Math.random');
      return;
    }
    this.uses.push({ name, path, isCalled });
  }

  enterFunction(node: Tree, scope: Scope): void {
    if (node['async'] === true) throw new Unshown('is asynchronous');
    if (node['generator'] === true) throw new Unshown('is a generator');
    const names = new Set<string>();
    for (const parameter of node['params'] as Tree[]) declaredBy(parameter, names);
    // `arguments` of an arrow function are those of a function around it.
    if (node.type !== 'ArrowFunctionExpression') names.add('arguments');
    declaredBy(node['id'] as Tree | null, names);
    declarationsIn(node['body'] as Tree, names);
    const inner = [...scope, names];
    for (const parameter of node['params'] as Tree[]) this.#pattern(parameter, inner);
    this.walk(node['body'] as Tree, inner);
  }

  /** Default values and computed keys in a pattern are expressions; names in it are none. */
  #pattern(node: Tree | null, scope: Scope): void {
    if (node === null || node.type === 'Identifier') return;
    if (node.type === 'AssignmentPattern') {
      this.#pattern(node['left'] as Tree, scope);
      this.walk(node['right'] as Tree, scope);
      return;
    }
    if (node.type === 'Property') {
      if (node['computed'] === true) this.walk(node['key'] as Tree, scope);
      this.#pattern(node['value'] as Tree, scope);
      return;
    }
    if (node.type === 'MemberExpression') throw new Unshown('assigns to a property');
    for (const child of childrenOf(node)) this.#pattern(child, scope);
  }

  /** Only what the function declared itself may be assigned to. */
  #assign(target: Tree, scope: Scope): void {
    const names = new Set<string>();
    declaredBy(target, names);
    if (target.type === 'MemberExpression') throw new Unshown('assigns to a property');
    for (const name of names) {
      if (!this.#isLocal(name, scope)) throw new Unshown(`assigns to ${name}, which it did not declare`);
    }
    this.#pattern(target, scope);
  }

  #member(node: Tree, isCalled: boolean, scope: Scope): void {
    for (let link: unknown = node; isTree(link); link = link['object']) {
      const property = link['property'] as Tree | undefined;
      const name = property?.[link['computed'] === true ? 'value' : 'name'];
      if (typeof name === 'string' && identities.has(name)) throw new Unshown(`reads .${name}`);
    }
    const found = memberPath(node);
    if (found?.root.type === 'Identifier') {
      this.#use(found.root['name'] as string, found.path, isCalled, scope);
      return;
    }
    const object = node['object'] as Tree;
    if (object.type === 'Identifier') this.#use(object['name'] as string, ['[...]'], isCalled, scope);
    else this.walk(object, scope);
    if (node['computed'] === true) this.walk(node['property'] as Tree, scope);
  }

  walk(node: Tree, scope: Scope): void {
    const reason = refused.get(node.type);
    if (reason !== undefined) throw new Unshown(reason);
    if (functionTypes.has(node.type)) return this.enterFunction(node, scope);
    switch (node.type) {
      case 'Identifier':
        return this.#use(node['name'] as string, [], false, scope);
      case 'MemberExpression':
        return this.#member(node, false, scope);
      case 'CallExpression':
      case 'NewExpression': {
        const callee = node['callee'] as Tree;
        if (callee.type === 'MemberExpression') this.#member(callee, true, scope);
        else if (callee.type === 'Identifier') this.#use(callee['name'] as string, [], true, scope);
        else this.walk(callee, scope);
        for (const argument of node['arguments'] as Tree[]) this.walk(argument, scope);
        return;
      }
      case 'AssignmentExpression':
        this.#assign(node['left'] as Tree, scope);
        return this.walk(node['right'] as Tree, scope);
      case 'UpdateExpression':
        return this.#assign(node['argument'] as Tree, scope);
      case 'UnaryExpression':
        if (node['operator'] === 'delete') throw new Unshown('deletes a property');
        return this.walk(node['argument'] as Tree, scope);
      case 'VariableDeclarator':
        this.#pattern(node['id'] as Tree, scope);
        if (isTree(node['init'])) this.walk(node['init'], scope);
        return;
      case 'ForOfStatement':
      case 'ForInStatement': {
        const left = node['left'] as Tree;
        if (left.type === 'VariableDeclaration') this.walk(left, scope);
        else this.#assign(left, scope);
        this.walk(node['right'] as Tree, scope);
        return this.walk(node['body'] as Tree, scope);
      }
      case 'CatchClause':
        return this.walk(node['body'] as Tree, scope);
      case 'Property':
        if (node['computed'] === true) this.walk(node['key'] as Tree, scope);
        return this.walk(node['value'] as Tree, scope);
      case 'LabeledStatement':
        return this.walk(node['body'] as Tree, scope);
      case 'BreakStatement':
      case 'ContinueStatement':
        return;
      default:
        for (const child of childrenOf(node)) this.walk(child, scope);
    }
  }
}

function parseFunction(text: string): Tree | undefined {
  // A method's text has no `function` in front of it.
  for (const source of [`(${text})`, `({${text}})`]) {
    try {
      const found = parseExpressionAt(source, 0, { ecmaVersion: 'latest', preserveParens: false });
      const tree = found as unknown as Tree;
      if (functionTypes.has(tree.type)) return tree;
      const [property] = (tree['properties'] ?? []) as Tree[];
      const value = property?.['value'];
      if (isTree(value) && functionTypes.has(value.type)) return value;
    } catch {
      // The other form, or nothing that can be read.
    }
  }
  return undefined;
}

/** What a function's text shows. Native and bound functions show nothing. */
export function inspectFunction(source: (...parameters: never[]) => unknown): Purity {
  const tree = parseFunction(Function.prototype.toString.call(source));
  if (tree === undefined) return { isShown: false, reason: 'its text cannot be read' };
  const walker = new Walker();
  try {
    walker.enterFunction(tree, []);
    return { isShown: true, uses: walker.uses };
  } catch (error) {
    if (error instanceof Unshown) return { isShown: false, reason: `it ${error.message}` };
    throw error;
  }
}
