/** Where expressions stand that another expression could replace. */
import { forEachChild, isExpression, type Node } from './ast.ts';

/** Children that look like expressions but name things, or that only certain syntax may fill. */
function isFixed(parent: Node, key: string): boolean {
  switch (parent.type) {
    case 'MemberExpression':
      return key === 'property' && !parent.computed;
    case 'Property':
      return (
        (key === 'key' && !parent.computed) || (parent.kind !== 'init' && key === 'value') || parent.method
      );
    case 'MethodDefinition':
    case 'PropertyDefinition':
      return key === 'key' ? !parent.computed : parent.type === 'MethodDefinition';
    case 'FunctionDeclaration':
    case 'FunctionExpression':
    case 'ArrowFunctionExpression':
      return key !== 'body';
    case 'ClassDeclaration':
    case 'ClassExpression':
    case 'VariableDeclarator':
    case 'CatchClause':
      return key === 'id' || key === 'param';
    case 'AssignmentExpression':
    case 'AssignmentPattern':
    case 'ForInStatement':
    case 'ForOfStatement':
      return key === 'left';
    case 'TaggedTemplateExpression':
      return key === 'quasi';
    case 'UpdateExpression':
    case 'RestElement':
    case 'ArrayPattern':
    case 'LabeledStatement':
    case 'BreakStatement':
    case 'ContinueStatement':
    case 'MetaProperty':
    case 'ImportDeclaration':
    case 'ImportSpecifier':
    case 'ImportDefaultSpecifier':
    case 'ImportNamespaceSpecifier':
    case 'ImportAttribute':
    case 'ExportSpecifier':
    case 'ExportAllDeclaration':
    case 'ChainExpression':
      return true;
    case 'ExportNamedDeclaration':
      return key === 'source';
    default:
      return false;
  }
}

/** Calls `visit` with each replaceable expression below `root`, parents first, with its parent and the key it is under. */
export function forEachExpression(root: Node, visit: (node: Node, parent: Node, key: string) => void): void {
  forEachChild(root, (child, key) => {
    const isPattern = root.type === 'Property' && key === 'value' && child.type === 'AssignmentPattern';
    if (isExpression(child) && !isFixed(root, key) && !isPattern) visit(child, root, key);
    forEachExpression(child, visit);
  });
}
