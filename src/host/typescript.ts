/** Loading of TypeScript programs by tsx, which knows the resolution rules and tsconfig paths that they rely on. */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const typescriptFile = /\.[mc]?tsx?$/;
const tsconfigVariable = 'TSX_TSCONFIG_PATH';

/** Whether the script needs more than Node to be loaded. */
export function isTypescript(script: string | undefined): script is string {
  return script !== undefined && typescriptFile.test(script);
}

/**
 * The tsconfig that belongs to the script, wherever it is started from; tsx looks from the working directory alone.
 * Absent when there is none, or when the user named one for tsx.
 */
function tsconfigOf(script: string): string | undefined {
  if (process.env[tsconfigVariable] !== undefined) return undefined;
  for (let folder = dirname(resolve(script)); ; folder = dirname(folder)) {
    const file = join(folder, 'tsconfig.json');
    if (existsSync(file)) return file;
    if (dirname(folder) === folder) return undefined;
  }
}

/** Registers tsx for `import` and `require`, unless the program runs under it already. */
export async function loadTypescript(script: string): Promise<void> {
  if (process.execArgv.some((argument) => /(?:^|[\\/])tsx(?:[\\/]|$)/.test(argument))) return;
  const [esm, cjs] = await Promise.all([import('tsx/esm/api'), import('tsx/cjs/api')]);
  const tsconfig = tsconfigOf(script);
  if (tsconfig === undefined) {
    cjs.register();
    esm.register();
    return;
  }
  // Its hook for `require` takes the file from the environment only, which is the program's.
  process.env[tsconfigVariable] = tsconfig;
  try {
    cjs.register();
  } finally {
    Reflect.deleteProperty(process.env, tsconfigVariable);
  }
  esm.register({ tsconfig });
}
