/** The program's tfjs, for library calls that are not given it. Engine and registries are global: any copy will do. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { UserError } from './ir/errors.ts';
import type { TfjsCore } from './session.ts';

const packages: readonly string[] = ['@tensorflow/tfjs', '@tensorflow/tfjs-core'];

function requireFrom(place: string, name: string): unknown {
  try {
    return createRequire(place)(name);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return undefined;
    throw cause;
  }
}

/**
 * The tfjs that the program's folder has, else the one beside this package.
 * @throws FG5022 when there is none.
 */
export function findTfjs(): TfjsCore {
  const places = [process.argv[1], join(process.cwd(), 'index.js'), import.meta.url];
  for (const place of places) {
    if (place === undefined) continue;
    for (const name of packages) {
      const found = requireFrom(place, name);
      if (found !== undefined) return found as TfjsCore;
    }
  }
  throw new UserError('no TensorFlow.js was found from this program', {
    code: 'FG5022',
    hint: 'Run `npm install @tensorflow/tfjs`, or pass the module as the option `tf`.',
  });
}
