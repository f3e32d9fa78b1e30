/** A hash table for items whose keys are arrays: found by hash, then by comparison. */
export class Buckets<Item extends { readonly hash: number }> {
  readonly #buckets = new Map<number, Item[]>();

  find(hash: number, isWanted: (item: Item) => boolean): Item | undefined {
    return this.#buckets.get(hash)?.find(isWanted);
  }

  add(item: Item): void {
    const bucket = this.#buckets.get(item.hash);
    if (bucket === undefined) this.#buckets.set(item.hash, [item]);
    else bucket.push(item);
  }

  remove(item: Item): void {
    const others = this.#buckets.get(item.hash)?.filter((other) => other !== item) ?? [];
    if (others.length === 0) this.#buckets.delete(item.hash);
    else this.#buckets.set(item.hash, others);
  }

  clear(): void {
    this.#buckets.clear();
  }
}
