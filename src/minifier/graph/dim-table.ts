/**
 * Sizes that depend on each other. Two axes that must be equal are one class; a size that follows from others (the sum of a
 * Concat, the window count of a Conv) is a formula over their classes. What is left is free: change a free size, and all
 * that hangs on it moves along.
 */

/** A size: the number of its row in the table. */
export type Dim = number;

interface Formula {
  readonly parts: readonly Dim[];
  compute(sizes: readonly number[]): number;
}

/** New sizes of free classes; the others keep theirs. */
export type Assignment = ReadonlyMap<Dim, number>;

export class DimTable {
  readonly #parents: Dim[] = [];
  readonly #sizes: number[] = [];
  readonly #formulas: (Formula | undefined)[] = [];
  readonly #constraints: { readonly dim: Dim; readonly formula: Formula }[] = [];

  /** A size that may be chosen. */
  free(size: number): Dim {
    return this.#add(size, undefined);
  }

  /** A size that stays as it is. */
  fixed(size: number): Dim {
    return this.#add(size, { parts: [], compute: () => size });
  }

  /** A size that follows from others; fixed, when the formula does not give the size that was seen. */
  derived(size: number, parts: readonly Dim[], compute: Formula['compute']): Dim {
    const current = compute(parts.map((part) => this.size(part)));
    return current === size ? this.#add(size, { parts, compute }) : this.fixed(size);
  }

  /** The size as it was seen. */
  size(dim: Dim): number {
    return this.#sizes[this.find(dim)]!;
  }

  /** The class of a dim. */
  find(dim: Dim): Dim {
    let root = dim;
    while (this.#parents[root] !== root) root = this.#parents[root]!;
    this.#parents[dim] = root;
    return root;
  }

  isFree(dim: Dim): boolean {
    return this.#formulas[this.find(dim)] === undefined;
  }

  /** Says that two sizes are always equal. Those that were not are left alone: one of them was broadcast. */
  unify(left: Dim, right: Dim): void {
    const [one, other] = [this.find(left), this.find(right)];
    if (one === other || this.#sizes[one] !== this.#sizes[other]) return;
    // Formulas must not go round in a circle: one that hangs on the other class is only checked.
    const [kept, merged] = this.#dependsOn(one, other) ? [other, one] : [one, other];
    const formula = this.#formulas[merged];
    if (formula !== undefined) {
      if (this.#formulas[kept] === undefined && !this.#dependsOn(merged, kept))
        this.#formulas[kept] = formula;
      else this.#constraints.push({ dim: kept, formula });
    }
    this.#parents[merged] = kept;
  }

  /** Makes a size stay as it is. */
  freeze(dim: Dim): void {
    this.unify(this.fixed(this.size(dim)), dim);
  }

  /** Sizes under an assignment; undefined when they contradict each other. */
  evaluate(assignment: Assignment): ((dim: Dim) => number) | undefined {
    const sizes = new Map<Dim, number>();
    const sizeOf = (dim: Dim): number => {
      const root = this.find(dim);
      const known = sizes.get(root);
      if (known !== undefined) return known;
      const formula = this.#formulas[root];
      const size =
        formula === undefined
          ? (assignment.get(root) ?? this.#sizes[root]!)
          : formula.compute(formula.parts.map(sizeOf));
      sizes.set(root, size);
      return size;
    };
    const isPossible =
      this.#parents.every((_, dim) => Number.isInteger(sizeOf(dim)) && sizeOf(dim) >= this.#least(dim)) &&
      this.#constraints.every(
        ({ dim, formula }) => formula.compute(formula.parts.map(sizeOf)) === sizeOf(dim),
      );
    return isPossible ? sizeOf : undefined;
  }

  /** What was not empty does not become so. */
  #least(dim: Dim): number {
    return Math.min(1, this.#sizes[dim]!);
  }

  #add(size: number, formula: Formula | undefined): Dim {
    this.#sizes.push(size);
    this.#formulas.push(formula);
    return this.#parents.push(this.#parents.length) - 1;
  }

  #dependsOn(dim: Dim, other: Dim): boolean {
    const target = this.find(other);
    const seen = new Set<Dim>();
    const search = (at: Dim): boolean => {
      const root = this.find(at);
      if (root === target) return true;
      if (seen.has(root)) return false;
      seen.add(root);
      return this.#formulas[root]?.parts.some(search) === true;
    };
    return search(dim);
  }
}
