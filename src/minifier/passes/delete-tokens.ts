/**
 * Windows of one to four neighbouring tokens, whatever they mean: what the syntax-aware passes have no rule for. Only at the
 * end, when little is left. Most windows fail to parse, which costs nothing.
 */
import { tokenizer } from 'acorn';
import { definePass } from '../define-pass.ts';
import type { Candidate } from '../problem.ts';
import { contains } from '../source/ast.ts';
import { printProgram } from '../source/edit.ts';
import { isWellScoped } from '../source/scoping.ts';
import type { SourceContext, SourcePass } from '../source/source-context.ts';
import { parseFile, tokenCount, type SourceFile, type SourceTree } from '../source/source-tree.ts';

const maxTokens = 800;
const maxWindow = 4;

interface Token {
  readonly start: number;
  readonly end: number;
}

interface Window extends Candidate<SourceTree> {
  readonly position: number;
  /** The window by its text and surroundings. */
  readonly name: string;
}

function tokensOf(file: SourceFile): Token[] {
  const options = {
    ecmaVersion: 'latest',
    sourceType: file.format === 'module' ? 'module' : 'script',
  } as const;
  return [...tokenizer(file.text, options)].map(({ start, end }) => ({ start, end }));
}

function without(tree: SourceTree, file: SourceFile, start: number, end: number): SourceTree | undefined {
  const text = `${file.text.slice(0, start)} ${file.text.slice(end)}`;
  const parsed = parseFile(file.path, text, file.format);
  // `[1, , 2]` is no simpler than `[1, 0, 2]`.
  if (
    parsed &&
    contains(parsed.program, (node) => node.type === 'ArrayExpression' && node.elements.includes(null))
  ) {
    return undefined;
  }
  const canonical = parsed && parseFile(file.path, printProgram(parsed.program), file.format);
  return canonical && { ...tree, files: tree.files.map((each) => (each === file ? canonical : each)) };
}

/** Windows of one length from the back; those refused before, between the same neighbours, are left out. */
function* windows(
  tree: SourceTree,
  context: SourceContext,
  fileIndex: number,
  length: number,
  from: number,
): Generator<Window> {
  const file = tree.files[fileIndex]!;
  const imports = context.keepsImports
    ? file.program.body.filter((statement) => statement.type === 'ImportDeclaration')
    : [];
  const tokens = tokensOf(file).filter(
    (token) => !imports.some((statement) => token.start >= statement.start && token.end <= statement.end),
  );
  for (let first = Math.min(from, tokens.length - length); first >= 0; first--) {
    const start = tokens[first]!.start;
    const end = tokens[first + length - 1]!.end;
    const around = file.text.slice(tokens[Math.max(0, first - 4)]!.start, tokens[first + length + 3]?.end);
    const name = `delete-tokens: ${length} at ${start - tokens[Math.max(0, first - 4)]!.start} of ${around}`;
    if (context.refused.has(name)) continue;
    const testCase = without(tree, file, start, end);
    if (testCase === undefined || !isWellScoped(tree, testCase)) continue;
    yield { testCase, position: first, name };
  }
}

function* noting(drawn: Iterable<Window>, asked: Window[]): Generator<Window> {
  for (const window of drawn) {
    asked.push(window);
    yield window;
  }
}

export const deleteTokens: SourcePass = definePass({
  name: 'delete-tokens',
  title: 'delete single tokens',
  tier: 3,
  run: async (problem, context) => {
    if (tokenCount(problem.best) > maxTokens) return;
    for (let length = maxWindow; length > 0; length--) {
      for (let index = 0; index < problem.best.files.length; index++) {
        let from = Infinity;
        for (;;) {
          const asked: Window[] = [];
          const hit = await problem.firstFailing(
            'delete-tokens',
            noting(windows(problem.best, context, index, length, from), asked),
          );
          // What was drawn beyond the hit was speculation.
          const refused = hit === undefined ? asked : asked.slice(0, asked.indexOf(hit));
          for (const { name } of refused) context.refused.add(name);
          if (hit === undefined) break;
          from = hit.position;
        }
      }
    }
  },
});
