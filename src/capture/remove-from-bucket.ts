/** Hash tables of buckets, for keys that are arrays: items are looked up by their hash and compared by whoever asks. */

/** Removes an item, and its bucket when that was all it held. */
export function removeFromBucket<Item extends { readonly hash: number }>(
  buckets: Map<number, Item[]>,
  item: Item,
): void {
  const others = buckets.get(item.hash)?.filter((other) => other !== item) ?? [];
  if (others.length === 0) buckets.delete(item.hash);
  else buckets.set(item.hash, others);
}
