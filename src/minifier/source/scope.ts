/**
 * Which declaration each identifier means. Used to keep candidates well-scoped without asking the oracle, to find what
 * nobody uses, to inline and to rename. Plain lexical scoping with hoisting; `with` and direct `eval` are not
 * modelled, and need not be: a wrong guess costs a rejected candidate, never a wrong result.
 */
import type * as acorn from 'acorn';
import { forEachChild, isFunction, type FunctionNode, type Node } from './ast.ts';

export type BindingKind =
  'var' | 'let' | 'const' | 'function' | 'class' | 'import' | 'param' | 'catch' | 'self';

export interface Reference {
  readonly identifier: acorn.Identifier;
  readonly isWrite: boolean;
}

export interface Binding {
  readonly name: string;
  readonly kind: BindingKind;
  /** Identifiers that declare it; several for a repeated `var`. */
  readonly declarations: acorn.Identifier[];
  readonly references: Reference[];
}

export interface Scopes {
  readonly bindings: readonly Binding[];
  readonly bindingOf: ReadonlyMap<acorn.Identifier, Binding>;
  /** References to names that the file does not declare. */
  readonly free: ReadonlyMap<string, readonly acorn.Identifier[]>;
  /** Undeclared names that are assigned to. */
  readonly assigned: ReadonlySet<string>;
}

interface Scope {
  readonly parent: Scope | undefined;
  readonly names: Map<string, Binding>;
  readonly isFunctionScope: boolean;
}

const analysed = new WeakMap<acorn.Program, Scopes>();

/** Scopes of a program; computed once. */
export function scopesOf(program: acorn.Program): Scopes {
  const known = analysed.get(program);
  if (known) return known;
  const scopes = new Analysis().run(program);
  analysed.set(program, scopes);
  return scopes;
}

/** Identifiers that a pattern declares. */
export function patternIdentifiers(pattern: Node): acorn.Identifier[] {
  switch (pattern.type) {
    case 'Identifier':
      return [pattern];
    case 'ObjectPattern':
      return pattern.properties.flatMap((property) =>
        patternIdentifiers(property.type === 'Property' ? property.value : property.argument),
      );
    case 'ArrayPattern':
      return pattern.elements.flatMap((element) => (element === null ? [] : patternIdentifiers(element)));
    case 'AssignmentPattern':
      return patternIdentifiers(pattern.left);
    case 'RestElement':
      return patternIdentifiers(pattern.argument);
    default:
      return [];
  }
}

class Analysis {
  readonly #bindings: Binding[] = [];
  readonly #bindingOf = new Map<acorn.Identifier, Binding>();
  readonly #free = new Map<string, acorn.Identifier[]>();
  readonly #assigned = new Set<string>();
  readonly #pending: { readonly scope: Scope; readonly reference: Reference }[] = [];

  run(program: acorn.Program): Scopes {
    const scope = this.#open(undefined, true);
    this.#hoist(program, scope);
    this.#declareBlock(program.body, scope);
    for (const statement of program.body) this.#visit(statement, scope);
    for (const { scope: from, reference } of this.#pending) this.#resolve(from, reference);
    return {
      bindings: this.#bindings,
      bindingOf: this.#bindingOf,
      free: this.#free,
      assigned: this.#assigned,
    };
  }

  #open(parent: Scope | undefined, isFunctionScope: boolean): Scope {
    return { parent, names: new Map(), isFunctionScope };
  }

  #declare(scope: Scope, declaration: acorn.Identifier, kind: BindingKind): void {
    let binding = scope.names.get(declaration.name);
    if (binding === undefined) {
      binding = { name: declaration.name, kind, declarations: [], references: [] };
      scope.names.set(declaration.name, binding);
      this.#bindings.push(binding);
    }
    if (this.#bindingOf.has(declaration)) return;
    binding.declarations.push(declaration);
    this.#bindingOf.set(declaration, binding);
  }

  /** `var` declarations below a function body or program, not inside nested functions. */
  #hoist(node: Node, scope: Scope): void {
    forEachChild(node, (child) => {
      if (isFunction(child) || child.type === 'StaticBlock') return;
      if (child.type === 'VariableDeclaration' && child.kind === 'var') {
        for (const { id } of child.declarations) {
          for (const name of patternIdentifiers(id)) this.#declare(scope, name, 'var');
        }
      }
      this.#hoist(child, scope);
    });
  }

  /** Lexical declarations that stand directly in a block. */
  #declareBlock(body: readonly Node[], scope: Scope): void {
    for (const statement of body) {
      const node =
        (statement.type === 'ExportNamedDeclaration' || statement.type === 'ExportDefaultDeclaration') &&
        statement.declaration != null
          ? (statement.declaration as Node)
          : statement;
      if (node.type === 'VariableDeclaration' && node.kind !== 'var') {
        const kind = node.kind === 'let' ? 'let' : 'const';
        for (const { id } of node.declarations) {
          for (const name of patternIdentifiers(id)) this.#declare(scope, name, kind);
        }
      } else if (node.type === 'FunctionDeclaration' && node.id != null) {
        this.#declare(scope, node.id, 'function');
      } else if (node.type === 'ClassDeclaration' && node.id != null) {
        this.#declare(scope, node.id, 'class');
      } else if (node.type === 'ImportDeclaration') {
        for (const { local } of node.specifiers) this.#declare(scope, local, 'import');
      }
    }
  }

  #resolve(from: Scope, reference: Reference): void {
    const { identifier } = reference;
    for (let scope: Scope | undefined = from; scope; scope = scope.parent) {
      const binding = scope.names.get(identifier.name);
      if (binding === undefined) continue;
      binding.references.push(reference);
      this.#bindingOf.set(identifier, binding);
      return;
    }
    if (reference.isWrite) this.#assigned.add(identifier.name);
    const known = this.#free.get(identifier.name);
    if (known) known.push(identifier);
    else this.#free.set(identifier.name, [identifier]);
  }

  #refer(identifier: acorn.Identifier, scope: Scope, isWrite: boolean): void {
    this.#pending.push({ scope, reference: { identifier, isWrite } });
  }

  #visitFunction(node: FunctionNode, outer: Scope): void {
    let scope = outer;
    if (node.type === 'FunctionExpression' && node.id != null) {
      scope = this.#open(scope, false);
      this.#declare(scope, node.id, 'self');
    }
    scope = this.#open(scope, true);
    for (const param of node.params) {
      for (const name of patternIdentifiers(param)) this.#declare(scope, name, 'param');
    }
    for (const param of node.params) this.#visitPattern(param, scope, false);
    this.#hoist(node.body, scope);
    if (node.body.type === 'BlockStatement') {
      this.#declareBlock(node.body.body, scope);
      for (const statement of node.body.body) this.#visit(statement, scope);
    } else this.#visit(node.body, scope);
  }

  /** Defaults and computed keys of a pattern; with `isAssignment` its names are written references. */
  #visitPattern(pattern: Node, scope: Scope, isAssignment: boolean): void {
    switch (pattern.type) {
      case 'Identifier':
        if (isAssignment) this.#refer(pattern, scope, true);
        return;
      case 'ObjectPattern':
        for (const property of pattern.properties) {
          if (property.type === 'RestElement') this.#visitPattern(property.argument, scope, isAssignment);
          else {
            if (property.computed) this.#visit(property.key, scope);
            this.#visitPattern(property.value, scope, isAssignment);
          }
        }
        return;
      case 'ArrayPattern':
        for (const element of pattern.elements) {
          if (element !== null) this.#visitPattern(element, scope, isAssignment);
        }
        return;
      case 'AssignmentPattern':
        this.#visitPattern(pattern.left, scope, isAssignment);
        this.#visit(pattern.right, scope);
        return;
      case 'RestElement':
        this.#visitPattern(pattern.argument, scope, isAssignment);
        return;
      default:
        this.#visit(pattern, scope);
    }
  }

  #visitBlock(node: Node, body: readonly Node[], outer: Scope): void {
    const scope = this.#open(outer, false);
    this.#declareBlock(body, scope);
    forEachChild(node, (child) => {
      this.#visit(child, scope);
    });
  }

  #visitClass(node: acorn.Class, outer: Scope): void {
    const scope = this.#open(outer, false);
    if (node.type === 'ClassExpression' && node.id != null) this.#declare(scope, node.id, 'self');
    if (node.superClass != null) this.#visit(node.superClass, scope);
    for (const member of node.body.body) {
      if (member.type === 'StaticBlock') {
        const inner = this.#open(scope, true);
        this.#hoist(member, inner);
        this.#declareBlock(member.body, inner);
        for (const statement of member.body) this.#visit(statement, inner);
        continue;
      }
      if (member.computed) this.#visit(member.key, scope);
      if (member.value != null) this.#visit(member.value, scope);
    }
  }

  #visit(node: Node, scope: Scope): void {
    switch (node.type) {
      case 'Identifier':
        this.#refer(node, scope, false);
        return;
      case 'FunctionDeclaration':
      case 'FunctionExpression':
      case 'ArrowFunctionExpression':
        this.#visitFunction(node, scope);
        return;
      case 'ClassDeclaration':
      case 'ClassExpression':
        this.#visitClass(node, scope);
        return;
      case 'BlockStatement':
        this.#visitBlock(node, node.body, scope);
        return;
      case 'SwitchStatement':
        this.#visit(node.discriminant, scope);
        this.#visitCases(node, scope);
        return;
      case 'ForStatement':
        this.#visitBlock(node, node.init == null ? [] : [node.init], scope);
        return;
      case 'ForInStatement':
      case 'ForOfStatement':
        this.#visitForEach(node, scope);
        return;
      case 'CatchClause':
        this.#visitCatch(node, scope);
        return;
      case 'VariableDeclaration':
        for (const { id, init } of node.declarations) {
          this.#visitPattern(id, scope, false);
          if (init != null) this.#visit(init, scope);
        }
        return;
      case 'AssignmentExpression':
        this.#visitPattern(node.left, scope, true);
        this.#visit(node.right, scope);
        return;
      case 'UpdateExpression':
        this.#visitPattern(node.argument, scope, true);
        return;
      case 'MemberExpression':
        this.#visit(node.object, scope);
        if (node.computed) this.#visit(node.property, scope);
        return;
      case 'Property':
        if (node.computed) this.#visit(node.key, scope);
        this.#visit(node.value, scope);
        return;
      case 'ExportNamedDeclaration':
        if (node.declaration != null) this.#visit(node.declaration, scope);
        else if (node.source == null) {
          for (const { local } of node.specifiers)
            if (local.type === 'Identifier') this.#refer(local, scope, false);
        }
        return;
      case 'LabeledStatement':
        this.#visit(node.body, scope);
        return;
      case 'ImportDeclaration':
      case 'ExportAllDeclaration':
      case 'BreakStatement':
      case 'ContinueStatement':
      case 'MetaProperty':
        return;
      default:
        forEachChild(node, (child) => {
          this.#visit(child, scope);
        });
    }
  }

  #visitCases(node: acorn.SwitchStatement, outer: Scope): void {
    const scope = this.#open(outer, false);
    this.#declareBlock(
      node.cases.flatMap((each) => each.consequent),
      scope,
    );
    for (const each of node.cases) {
      if (each.test != null) this.#visit(each.test, scope);
      for (const statement of each.consequent) this.#visit(statement, scope);
    }
  }

  #visitForEach(node: acorn.ForInStatement | acorn.ForOfStatement, outer: Scope): void {
    const scope = this.#open(outer, false);
    if (node.left.type === 'VariableDeclaration') {
      this.#declareBlock([node.left], scope);
      this.#visit(node.left, scope);
    } else this.#visitPattern(node.left, scope, true);
    this.#visit(node.right, scope);
    this.#visit(node.body, scope);
  }

  #visitCatch(node: acorn.CatchClause, outer: Scope): void {
    const scope = this.#open(outer, false);
    if (node.param != null) {
      for (const name of patternIdentifiers(node.param)) this.#declare(scope, name, 'catch');
      this.#visitPattern(node.param, scope, false);
    }
    this.#visit(node.body, scope);
  }
}
