/** What tfjs's operations are called outside: found by the names that tfjs gives its wrapped functions. */
import { pathToFileURL } from 'node:url';
import type { Recording } from './messages.ts';

const specifiers = ['@tensorflow/tfjs', '@tensorflow/tfjs-core'];
const suffix = '__op';

/** Exports of the tfjs that a program at this place gets, by operation; none without tfjs. */
export async function publicOps(root: string, entry: string): Promise<Recording['library']> {
  const resolve = import.meta.resolve;
  for (const specifier of specifiers) {
    try {
      const namespace = (await import(resolve(specifier, pathToFileURL(`${root}/${entry}`).href))) as object;
      return { specifier, paths: Object.fromEntries(findOps(namespace, '', 0)) };
    } catch {
      // Not installed for this program: try the next.
    }
  }
  return { specifier: specifiers[0]!, paths: {} };
}

function findOps(namespace: object, prefix: string, depth: number): [string, string][] {
  return Object.entries(namespace).flatMap(([key, value]: [string, unknown]): [string, string][] => {
    if (key === 'default') return [];
    if (typeof value === 'function' && value.name.endsWith(suffix)) {
      return [[value.name.slice(0, -suffix.length), prefix + key]];
    }
    const isNamespace = value !== null && typeof value === 'object' && !Array.isArray(value);
    return isNamespace && depth === 0 ? findOps(value, `${prefix}${key}.`, 1) : [];
  });
}
