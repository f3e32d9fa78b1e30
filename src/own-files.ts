/** Where this package's own files are, whatever file the bundler put the code that asks into. */
import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

interface PackageManifest {
  readonly name?: unknown;
  readonly version?: unknown;
}

function readManifest(folder: string): PackageManifest | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as PackageManifest;
  } catch {
    return undefined;
  }
}

const ownFile = fileURLToPath(import.meta.url);

/** `src` of a checkout or `dist` of the package; elsewhere the folder of the bundle that this code is in. */
function findCode(): { readonly folder: string; readonly version?: string } {
  const start = dirname(ownFile);
  for (let folder = start; folder !== dirname(folder); folder = dirname(folder)) {
    if (basename(folder) !== 'src' && basename(folder) !== 'dist') continue;
    const manifest = readManifest(dirname(folder));
    if (manifest?.name === 'fullgraph') return { folder, version: String(manifest.version) };
  }
  return { folder: start };
}

const code = findCode();

/** Folder of fullgraph's own code, with a slash at its end. */
export const codeFolder: string = join(code.folder, '/');

/** The package's version; `undefined` in a bundle of somebody else. */
export const packageVersion: string | undefined = code.version;

/** Whether this runs from the sources, through a loader. */
export const isSource: boolean = ownFile.endsWith('.ts');

/**
 * URL of one of our modules that is loaded by name: the entry of a process, a worker, or a loader.
 * Each is an entry point in `scripts/build.ts`, so that it has a file of its own.
 * @param name below {@link codeFolder}, without extension: `host/module-hooks`
 */
export function ownModule(name: string): URL {
  return pathToFileURL(join(codeFolder, `${name}.${isSource ? 'ts' : 'js'}`));
}
