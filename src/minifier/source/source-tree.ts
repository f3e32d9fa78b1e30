/**
 * The program as a test case: one or more JavaScript files, parsed. Sizes are tokens as acorn counts them, semicolons
 * aside, because they are neither layout nor name lengths. Everything is canonical, since each candidate is printed
 * from its tree: equal text means equal program.
 */
import { createHash } from 'node:crypto';
import { parse, type Program, type Token } from 'acorn';
import type { Domain } from '../problem.ts';

export type SourceFormat = 'module' | 'commonjs';

export interface SourceFile {
  /** Relative to the program's root folder, with forward slashes. */
  readonly path: string;
  readonly format: SourceFormat;
  readonly text: string;
  readonly program: Program;
  readonly tokens: number;
  /** Sum of the sizes of number literals: what is left to gain when no token can go. */
  readonly literalCost: number;
  readonly tokenStarts: readonly number[];
}

export interface SourceTree {
  readonly files: readonly SourceFile[];
  /** Path of the file that is run. */
  readonly entry: string;
}

function numberCost(value: number): number {
  const magnitude = Math.min(Math.abs(value), 1e6);
  return Number.isInteger(value) ? magnitude : magnitude + 0.5 + String(value).length / 10;
}

/** The parsed file, or `undefined` when the text is not valid in that format. */
export function parseFile(path: string, text: string, format: SourceFormat): SourceFile | undefined {
  const tokenStarts: number[] = [];
  let literalCost = 0;
  const onToken = (token: Token): void => {
    if (token.type.label === ';' || token.type.label === 'eof') return;
    tokenStarts.push(token.start);
    // Acorn's types leave the value out.
    const { value } = token as Token & { readonly value?: unknown };
    if (typeof value === 'number') literalCost += numberCost(value);
  };
  try {
    const program = parse(text, {
      ecmaVersion: 'latest',
      sourceType: format === 'module' ? 'module' : 'script',
      allowHashBang: true,
      allowReturnOutsideFunction: format === 'commonjs',
      onToken,
    });
    return { path, format, text, program, tokens: tokenStarts.length, literalCost, tokenStarts };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Tokens of the file that begin in [start, end). */
export function tokensBetween(file: SourceFile, start: number, end: number): number {
  return lowerBound(file.tokenStarts, end) - lowerBound(file.tokenStarts, start);
}

function lowerBound(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function tokenCount(tree: SourceTree): number {
  return tree.files.reduce((sum, file) => sum + file.tokens, 0);
}

function sumOf(tree: SourceTree, value: (file: SourceFile) => number): number {
  return tree.files.reduce((sum, file) => sum + value(file), 0);
}

/** Tokens, then files, then how simple the numbers are, then characters. */
export const sourceDomain: Domain<SourceTree> = {
  unit: 'tokens',
  size: tokenCount,
  sortKey: (tree) => [
    tokenCount(tree),
    tree.files.length,
    sumOf(tree, (file) => file.literalCost),
    sumOf(tree, (file) => file.text.length),
  ],
  hash: (tree) => {
    const hash = createHash('sha256');
    for (const file of tree.files) hash.update(`${file.path}\0${file.format}\0${file.text}\0`);
    return hash.digest('base64url').slice(0, 22);
  },
  text: (tree) =>
    tree.files.length === 1
      ? tree.files[0]!.text
      : tree.files.map((file) => `// ${file.path}\n${file.text}`).join('\n'),
  files: (tree) => Object.fromEntries(tree.files.map((file) => [file.path, file.text])),
};
