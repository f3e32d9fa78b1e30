/**
 * Writes the repro folder and proves it: `repro.mjs` must fail there in a fresh process, and pass with the reference
 * backend where there is one, before success is claimed.
 */
import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { EnvironmentError } from '../../ir/errors.ts';
import { codeFolder } from '../../own-files.ts';
import { makeFolder } from '../make-folder.ts';
import type { ReproFiles } from './templates.ts';

export interface ReproFolder {
  readonly directory: string;
  readonly files: ReproFiles;
  readonly isVerified: boolean;
  /** What the verified `repro.mjs` printed. */
  readonly output: string;
}

const verifyLimitMs = 120_000;

/** Exact versions of the packages that the files import, as installed for the program. */
export function installedVersions(files: ReproFiles, root: string): Record<string, string> {
  const versions: Record<string, string> = {};
  for (const text of Object.values(files)) {
    for (const [, specifier] of text.matchAll(/(?:from|import|require\()\s*\(?['"]([^'"]+)['"]/g)) {
      const name = /^(@[^/]+\/[^/]+|[^./@][^/]*)/.exec(specifier!)?.[1];
      if (name === undefined || specifier!.startsWith('node:')) continue;
      const version = versionOf(name, root);
      if (version !== undefined) versions[name] = version;
    }
  }
  return versions;
}

function versionOf(name: string, root: string): string | undefined {
  const folder = packageFolder(name, root);
  if (folder === undefined) return undefined;
  return (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version?: string }).version;
}

/** Where a package lies that files in `root` import; fullgraph itself where it is not installed there. */
function packageFolder(name: string, root: string): string | undefined {
  for (let folder = root; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (existsSync(join(candidate, 'package.json'))) return candidate;
    if (dirname(folder) === folder) return name === 'fullgraph' ? dirname(codeFolder) : undefined;
  }
}

/**
 * Makes sure that the folder is not there yet or holds an earlier repro, which may be replaced.
 * @throws EnvironmentError FG4006
 */
export function refuseForeignFolder(directory: string): void {
  if (!existsSync(directory) || existsSync(join(directory, 'repro.mjs'))) return;
  if (statSync(directory).isDirectory() && readdirSync(directory).length === 0) return;
  throw new EnvironmentError(`minify: ${directory} is there already and holds no repro`, {
    code: 'FG4006',
    hint: 'Name a new folder with --output <folder>; --resume keeps what was found.',
  });
}

/**
 * Writes files, replacing the folder of an earlier repro.
 * @throws EnvironmentError FG4006 when it cannot be written, or holds something else.
 */
export function writeFolder(directory: string, files: Readonly<Record<string, string>>): void {
  refuseForeignFolder(directory);
  try {
    rmSync(directory, { recursive: true, force: true });
    for (const [path, text] of Object.entries(files)) {
      makeFolder(dirname(join(directory, path)));
      writeFileSync(join(directory, path), text);
    }
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    throw new EnvironmentError(`minify: cannot write the repro to ${directory} (${code})`, {
      code: 'FG4006',
      hint: 'Name another folder with --output <folder>; --resume keeps what was found.',
      cause,
    });
  }
}

interface Ran {
  readonly exitCode: number | null;
  readonly output: string;
}

function run(directory: string, parameters: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['repro.mjs', ...parameters], {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const collect = (chunk: Buffer): void => {
      output = (output + chunk.toString('utf8')).slice(-8_000);
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    const timer = setTimeout(() => child.kill('SIGKILL'), verifyLimitMs);
    child.once('close', (exitCode) => {
      clearTimeout(timer);
      resolve({ exitCode, output });
    });
  });
}

/** Lets the folder find the packages of its manifest, as `npm install` will, while it is checked. */
async function withPackages<R>(
  directory: string,
  root: string,
  names: readonly string[],
  action: () => Promise<R>,
): Promise<R> {
  const modules = join(directory, 'node_modules');
  for (const name of names) {
    const link = join(modules, name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(realpathSync(packageFolder(name, root)!), link, 'junction');
  }
  try {
    return await action();
  } finally {
    rmSync(modules, { recursive: true, force: true });
  }
}

/**
 * Tries the variants in order and leaves the first that holds what it promises; without one, the last, unverified.
 * @throws EnvironmentError FG4006 when the folder cannot be written.
 */
export async function writeVerifiedRepro(
  directory: string,
  root: string,
  variants: Iterable<ReproFiles>,
  options: {
    readonly reference?: string;
    readonly expected: string;
    /** How Node reads `.js` files there; default `module`. */
    readonly type?: 'module' | 'commonjs';
  },
): Promise<ReproFolder> {
  let last: ReproFolder | undefined;
  for (const variant of variants) {
    const dependencies = installedVersions(variant, root);
    const manifest = { name: 'repro', private: true, type: options.type ?? 'module', dependencies };
    const files = { ...variant, 'package.json': `${JSON.stringify(manifest, undefined, 2)}\n` };
    writeFolder(directory, files);
    const folder = await withPackages(
      directory,
      root,
      Object.keys(dependencies),
      async (): Promise<ReproFolder> => {
        const failing = await run(directory, []);
        const hasFailed =
          failing.exitCode === 1 &&
          failing.output.includes('FAIL') &&
          failing.output.includes(options.expected);
        const isRight =
          !hasFailed ||
          options.reference === undefined ||
          (await run(directory, [options.reference])).exitCode === 0;
        return { directory, files, isVerified: hasFailed && isRight, output: cleanOutput(failing.output) };
      },
    );
    if (folder.isVerified) return folder;
    last = folder;
  }
  return last ?? { directory, files: {}, isVerified: false, output: '' };
}

/** Without tfjs's advertisement. */
function cleanOutput(output: string): string {
  return output
    .split('\n')
    .filter((line) => !/^=+$|^Hi, looks like you are running TensorFlow/.test(line))
    .join('\n')
    .trim();
}
