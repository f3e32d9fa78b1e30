/**
 * ESM loader hook (in Node's loader thread, or where Node has synchronous hooks): an import of tfjs-node becomes a small
 * module that re-exports the program's tfjs and takes the rest from the stand-in, which the main thread's `require`
 * answers.
 */
import { standInWithoutTfjs } from './absent-tfjs.ts';
import { isTfjsNode } from './tfjs-node/names.ts';

export interface ResolveContext {
  readonly parentURL?: string | undefined;
  readonly conditions?: readonly string[];
}
export interface Resolved {
  readonly url: string;
  readonly format?: string | null;
  readonly shortCircuit?: boolean;
}

/** @param tfjs URL of the program's tfjs. */
function standInModule(tfjs: string, parent: string, specifier: string): Resolved {
  const source = [
    `import { createRequire } from 'node:module';`,
    `export * from ${JSON.stringify(tfjs)};`,
    `const standIn = createRequire(${JSON.stringify(parent)})(${JSON.stringify(specifier)});`,
    `export const { io, node, version } = standIn;`,
    `export default standIn;`,
  ].join('\n');
  const url = `data:text/javascript,${encodeURIComponent(source)}`;
  return { url, format: 'module', shortCircuit: true };
}

const tfjs = '@tensorflow/tfjs';

const absent = (): never => {
  throw new Error(standInWithoutTfjs);
};

export async function resolve(
  specifier: string,
  context: ResolveContext,
  next: (specifier: string, context: ResolveContext) => Promise<Resolved>,
): Promise<Resolved> {
  if (!isTfjsNode(specifier)) return next(specifier, context);
  const own = import.meta.url;
  const { url } = await next(tfjs, context)
    .catch(async () => next(tfjs, { ...context, parentURL: own }))
    .catch(absent);
  return standInModule(url, context.parentURL ?? own, specifier);
}

/** The same for `module.registerHooks`, where it asks for `require` as well. */
export function resolveNow(
  specifier: string,
  context: ResolveContext,
  next: (specifier: string, context: ResolveContext) => Resolved,
): Resolved {
  if (!isTfjsNode(specifier) || context.conditions?.includes('import') !== true)
    return next(specifier, context);
  const own = import.meta.url;
  for (const parentURL of [context.parentURL ?? own, own]) {
    try {
      return standInModule(next(tfjs, { ...context, parentURL }).url, context.parentURL ?? own, specifier);
    } catch {
      // Not there.
    }
  }
  return absent();
}
