/** Counts by key, and the keys in order: most frequent first, equal counts in order of first sight. */

export interface Counter<Key> {
  add(key: Key, count?: number): void;
  /** Most frequent first. */
  entries(): { readonly key: Key; readonly count: number }[];
  /** Keys of {@link entries}. */
  keys(): Key[];
  readonly size: number;
}

export function createCounter<Key>(): Counter<Key> {
  const counts = new Map<Key, number>();
  const entries = (): { key: Key; count: number }[] => {
    if (counts.size === 0) return [];
    const unsorted = Array.from(counts, ([key, count]) => ({ key, count }));
    return counts.size === 1 ? unsorted : unsorted.sort((left, right) => right.count - left.count);
  };
  return {
    add: (key, count = 1) => void counts.set(key, (counts.get(key) ?? 0) + count),
    entries,
    keys: () => entries().map(({ key }) => key),
    get size() {
      return counts.size;
    },
  };
}

/** Adds one more to a list kept in a map. */
export function pushTo<Key, Value>(lists: Map<Key, Value[]>, key: Key, value: Value): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

/** Total order of texts by code unit: the same on every machine, unlike locales. */
export function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
