/**
 * Says in one line what is wrong with a program that cannot even be parsed, before Node prints a stack trace about it. To
 * be sure never to stop a program that Node would run, JavaScript must be refused by two parsers.
 */
import { readFile } from 'node:fs/promises';
import { dirname, extname, join, relative } from 'node:path';
import { UserError } from '../ir/errors.ts';

interface ParseFailure {
  readonly errors: readonly {
    readonly text: string;
    readonly location: { readonly line: number; readonly column: number; readonly lineText: string } | null;
  }[];
}

function isParseFailure(value: unknown): value is ParseFailure {
  return value !== null && typeof value === 'object' && 'errors' in value && Array.isArray(value.errors);
}

async function isPlausibleJavascript(text: string): Promise<boolean> {
  const { parse } = await import('acorn');
  return (['module', 'script'] as const).some((sourceType) => {
    try {
      parse(text, {
        ecmaVersion: 'latest',
        sourceType,
        allowHashBang: true,
        allowReturnOutsideFunction: true,
        allowAwaitOutsideFunction: true,
      });
      return true;
    } catch {
      return false;
    }
  });
}

/** As Node decides it: by the ending, else by the package. */
async function isCommonJs(file: string): Promise<boolean> {
  if (/\.[mc]tsx?$/i.test(file)) return /\.ctsx?$/i.test(file);
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    try {
      const manifest: unknown = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
      return !(
        manifest !== null &&
        typeof manifest === 'object' &&
        'type' in manifest &&
        manifest.type === 'module'
      );
    } catch {
      // None here, or none that can be read: the next folder decides.
    }
    if (dirname(folder) === folder) return true;
  }
}

/** @throws FG5015 with the place of the first syntax error. */
export async function checkScript(file: string, cwd: string): Promise<void> {
  const text = await readFile(file, 'utf8');
  const isTypescript = /^\.[mc]?tsx?$/i.test(extname(file));
  if (!isTypescript && (await isPlausibleJavascript(text))) return;
  const { transform } = await import('esbuild');
  const loader = isTypescript ? (file.endsWith('x') ? 'tsx' : 'ts') : 'jsx';
  try {
    const isRequired = isTypescript && (await isCommonJs(file));
    const options = {
      loader,
      sourcefile: file,
      logLevel: 'silent',
      target: 'esnext',
      ...(isRequired ? { format: 'cjs' as const } : {}),
    } as const;
    // Which decorators a program means is in its tsconfig; one kind has them on parameters.
    const older = { ...options, tsconfigRaw: { compilerOptions: { experimentalDecorators: true } } };
    await transform(text, older).catch(() => transform(text, options));
  } catch (cause) {
    const [error] = isParseFailure(cause) ? cause.errors : [];
    if (error === undefined) return;
    const { location } = error;
    const path = relative(cwd, file) || file;
    const place = location === null ? path : `${path}:${location.line}:${location.column + 1}`;
    const line = location === null ? '' : ` in \`${location.lineText.trim().slice(0, 100)}\``;
    throw new UserError(`${place}: syntax error: ${error.text}${line}`, {
      code: 'FG5015',
      hint: /top-level await/i.test(error.text)
        ? 'It is loaded as CommonJS: rename it to .mts, or write "type": "module" into its package.json.'
        : 'Mend the line; `node --check` and `tsc` see the same error.',
    });
  }
}
