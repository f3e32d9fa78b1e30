/**
 * Writes the repro folder and proves it: `repro.mjs` must fail there in a fresh process, and pass with the reference
 * backend where there is one, before success is claimed.
 */
import { createRequire } from 'node:module';
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { codeFolder } from '../../own-files.ts';
import { modelScript, type ModelReproFiles } from './model-repro.ts';
import { runScript, writeFolder, writeInto } from './repro-folder.ts';
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

/** Lets the folder find the packages of its manifest, as `npm install` will, while it is checked. */
async function withPackages<R>(
  directory: string,
  packages: ReadonlyMap<string, string>,
  action: () => Promise<R>,
): Promise<R> {
  const modules = join(directory, 'node_modules');
  for (const [name, folder] of packages) {
    const link = join(modules, name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(realpathSync(folder), link, 'junction');
  }
  try {
    return await action();
  } finally {
    rmSync(modules, { recursive: true, force: true });
  }
}

/**
 * Tries the variants in order and leaves the first that holds what it promises; without one, the last, unverified.
 * @throws UserError FG4006 when the folder cannot be written.
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
      new Map(Object.keys(dependencies).map((name) => [name, packageFolder(name, root)!])),
      async (): Promise<ReproFolder> => {
        const failing = await runScript(directory, verifyLimitMs);
        const hasFailed =
          failing.exitCode === 1 &&
          failing.output.includes('FAIL') &&
          failing.output.includes(options.expected);
        const isRight =
          !hasFailed ||
          options.reference === undefined ||
          (await runScript(directory, verifyLimitMs, ['repro.mjs', options.reference])).exitCode === 0;
        return { directory, files, isVerified: hasFailed && isRight, output: cleanOutput(failing.output) };
      },
    );
    if (folder.isVerified) return folder;
    last = folder;
  }
  return last ?? { directory, files: {}, isVerified: false, output: '' };
}

const onnxruntime = 'onnxruntime-node';

/** A model that fails by itself, and what its script printed. */
export interface VerifiedModel {
  /** With the manifest of the whole folder. */
  readonly files: ModelReproFiles;
  readonly versions: Readonly<Record<string, string>>;
  readonly output: string;
}

/** Adds a model to the folder of a program's repro; `undefined` when it does not fail there in a fresh process. */
export async function addVerifiedModel(
  { directory, files }: ReproFolder,
  model: ModelReproFiles,
): Promise<VerifiedModel | undefined> {
  const manifestPath = createRequire(import.meta.url).resolve(`${onnxruntime}/package.json`);
  const { version } = JSON.parse(readFileSync(manifestPath, 'utf8')) as { readonly version: string };
  const manifest = JSON.parse(files['package.json'] ?? '{}') as { readonly dependencies?: object };
  const versions = { [onnxruntime]: version };
  const dependencies = { ...manifest.dependencies, ...versions };
  const added = {
    ...model,
    'package.json': `${JSON.stringify({ ...manifest, dependencies }, undefined, 2)}\n`,
  };
  writeInto(directory, added);
  const { exitCode, output } = await withPackages(
    directory,
    new Map([[onnxruntime, dirname(manifestPath)]]),
    () => runScript(directory, verifyLimitMs, [modelScript]),
  );
  const hasFailed = exitCode === 1 && output.includes('FAIL');
  return hasFailed ? { files: added, versions, output: cleanOutput(output) } : undefined;
}

/** Without tfjs's advertisement. */
function cleanOutput(output: string): string {
  return output
    .split('\n')
    .filter((line) => !/^=+$|^Hi, looks like you are running TensorFlow/.test(line))
    .join('\n')
    .trim();
}
