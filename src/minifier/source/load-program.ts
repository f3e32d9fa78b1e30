/**
 * Reads a program from disk: the entry and every file of its own that it imports, with types stripped (esbuild) and the
 * module format decided as Node decides it. Files in node_modules stay where they are.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, extname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformSync, type Loader } from 'esbuild';
import { UserError } from '../../ir/errors.ts';
import { findAll, type Node } from './ast.ts';
import { canonicalTree } from './edit.ts';
import { parseFile, type SourceFile, type SourceFormat, type SourceTree } from './source-tree.ts';
import { isLocal } from './specifiers.ts';

export interface LoadedProgram {
  /** Absolute folder that the tree's paths are relative to. */
  readonly root: string;
  readonly tree: SourceTree;
  /** The files as they are on disk, by path in the tree. */
  readonly original: Readonly<Record<string, string>>;
}

const loaders: Readonly<Record<string, Loader>> = {
  '.ts': 'ts',
  '.mts': 'ts',
  '.cts': 'ts',
  '.tsx': 'tsx',
  '.jsx': 'jsx',
};
const endings = ['', '.js', '.mjs', '.cjs', '.ts', '.mts', '.cts', '.tsx', '.jsx', '/index.js', '/index.ts'];

/**
 * The program that starts at `entry`, printed canonically.
 * @throws UserError FG4001 when a file is missing or cannot be parsed.
 */
export function loadProgram(entry: string): LoadedProgram {
  const entryPath = resolve(entry);
  if (!existsSync(entryPath)) {
    throw new UserError(`minify: there is no file ${entry}`, { code: 'FG4001', hint: 'Check the path.' });
  }
  const texts = new Map<string, string>();
  const parsed = new Map<string, SourceFile>();
  const pending = [entryPath];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    if (parsed.has(path)) continue;
    const text = readFileSync(path, 'utf8');
    texts.set(path, text);
    const file = parseProgramFile(path, text);
    parsed.set(path, file);
    for (const specifier of localSpecifiers(file)) {
      const target = findLocal(specifier, path);
      if (target !== undefined && !target.includes(`${sep}node_modules${sep}`)) pending.push(target);
    }
  }
  const root = commonFolder([...parsed.keys()]);
  const nameOf = (path: string): string => relative(root, path).split(sep).join('/');
  const files = [...parsed].map(([path, file]) => ({ ...file, path: nameOf(path) }));
  return {
    root,
    tree: canonicalTree({ files, entry: nameOf(entryPath) }),
    original: Object.fromEntries([...texts].map(([path, text]) => [nameOf(path), text])),
  };
}

function parseProgramFile(path: string, text: string): SourceFile {
  const loader = loaders[extname(path)];
  let script = text;
  if (loader !== undefined) {
    try {
      script = transformSync(text, { loader, target: 'esnext', jsx: 'automatic', sourcefile: path }).code;
    } catch (cause) {
      throw unparsable(path, cause instanceof Error ? cause.message.split('\n')[1] : undefined, cause);
    }
  }
  const declared = declaredFormat(path);
  const guesses: readonly SourceFormat[] = declared === undefined ? ['commonjs', 'module'] : [declared];
  for (const format of guesses) {
    const file = parseFile(path, script, format);
    if (file) return file;
  }
  throw unparsable(path, undefined, undefined);
}

function unparsable(path: string, detail: string | undefined, cause: unknown): UserError {
  return new UserError(
    `minify: ${basename(path)} cannot be parsed${detail === undefined ? '' : ` (${detail})`}`,
    {
      code: 'FG4001',
      hint: 'It must be JavaScript or TypeScript that Node can run.',
      cause,
    },
  );
}

/** The format that extension or package.json prescribe; where neither does, the syntax decides. */
function declaredFormat(path: string): SourceFormat | undefined {
  const extension = extname(path);
  if (extension === '.mjs' || extension === '.mts') return 'module';
  if (extension === '.cjs' || extension === '.cts') return 'commonjs';
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const manifest = join(folder, 'package.json');
    if (existsSync(manifest)) {
      const { type } = JSON.parse(readFileSync(manifest, 'utf8')) as { type?: string };
      if (type === 'module') return 'module';
      return type === 'commonjs' ? 'commonjs' : undefined;
    }
    if (dirname(folder) === folder) return undefined;
  }
}

/** Relative paths that the file imports or requires. */
export function localSpecifiers(file: SourceFile): string[] {
  const specifiers: string[] = [];
  const add = (node: Node | null | undefined): void => {
    if (node?.type === 'Literal' && typeof node.value === 'string' && isLocal(node.value)) {
      specifiers.push(node.value);
    }
  };
  for (const statement of file.program.body) if ('source' in statement) add(statement.source);
  for (const { source } of findAll(file.program, 'ImportExpression')) add(source);
  for (const {
    callee,
    arguments: [first],
  } of findAll(file.program, 'CallExpression')) {
    if (callee.type === 'Identifier' && callee.name === 'require') add(first);
  }
  return specifiers;
}

function findLocal(specifier: string, parent: string): string | undefined {
  const base = specifier.startsWith('file:') ? fileURLToPath(specifier) : resolve(dirname(parent), specifier);
  const typed = base.replace(/\.([mc]?)js$/, '.$1ts');
  const found = [...endings.map((ending) => base + ending), typed].find(
    (path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true,
  );
  return found !== undefined && /\.[mc]?[jt]sx?$/.test(found) ? found : undefined;
}

function commonFolder(paths: readonly string[]): string {
  let folder = dirname(paths[0]!);
  while (!paths.every((path) => path.startsWith(folder + sep))) folder = dirname(folder);
  return folder;
}
