/**
 * ESM loader hooks (they run in Node's loader thread): an import of tfjs-node becomes a small module that re-exports
 * the program's tfjs and takes the rest from the stand-in, which the main thread's `require` answers.
 */
import { standInWithoutTfjs } from './absent-tfjs.ts';
import { isTfjsNode } from './tfjs-node/names.ts';

interface ResolveContext {
  readonly parentURL?: string;
}
interface Resolved {
  readonly url: string;
  readonly format?: string | null;
  readonly shortCircuit?: boolean;
}
interface Loaded {
  readonly format: string;
  readonly source?: string;
  readonly shortCircuit?: boolean;
}

const scheme = 'fullgraph-tfjs-node:';

export async function resolve(
  specifier: string,
  context: ResolveContext,
  next: (specifier: string, context: ResolveContext) => Promise<Resolved>,
): Promise<Resolved> {
  if (!isTfjsNode(specifier)) return next(specifier, context);
  const ours = { ...context, parentURL: import.meta.url };
  const tfjs = await next('@tensorflow/tfjs', context)
    .catch(async () => next('@tensorflow/tfjs', ours))
    .catch(() => {
      throw new Error(standInWithoutTfjs);
    });
  const query = new URLSearchParams({
    tfjs: tfjs.url,
    parent: context.parentURL ?? import.meta.url,
    specifier,
  });
  return { url: `${scheme}?${query.toString()}`, format: 'module', shortCircuit: true };
}

export async function load(
  url: string,
  context: unknown,
  next: (url: string, context: unknown) => Promise<Loaded>,
): Promise<Loaded> {
  if (!url.startsWith(scheme)) return next(url, context);
  const query = new URL(url).searchParams;
  const source = [
    `import { createRequire } from 'node:module';`,
    `export * from ${JSON.stringify(query.get('tfjs'))};`,
    `const standIn = createRequire(${JSON.stringify(query.get('parent'))})(${JSON.stringify(query.get('specifier'))});`,
    `export const { io, node, version } = standIn;`,
    `export default standIn;`,
  ].join('\n');
  return { format: 'module', source, shortCircuit: true };
}
