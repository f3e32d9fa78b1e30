/** Permutations of axes as Transpose has them: axis `i` of the result is axis `perm[i]` of the input. */

export type Permutation = readonly number[];

/** The one permutation with the effect of `first`, then `second`. */
export function compose(first: Permutation, second: Permutation): Permutation {
  return second.map((axis) => first[axis]!);
}

/** The permutation that undoes `perm`. */
export function invert(perm: Permutation): Permutation {
  const inverse = Array.from(perm, () => 0);
  for (const [axis, source] of perm.entries()) inverse[source] = axis;
  return inverse;
}

/** Whether nothing moves. */
export function isIdentity(perm: Permutation): boolean {
  return perm.every((axis, index) => axis === index);
}

/** Whether permuting a tensor of these sizes leaves its elements in order: only axes of size 1 change places. */
export function keepsOrder(perm: Permutation, dims: readonly number[]): boolean {
  const moved = perm.filter((axis) => dims[axis] !== 1);
  return moved.every((axis, index) => index === 0 || axis > moved[index - 1]!);
}
