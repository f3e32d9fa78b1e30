/** Makes sizes smaller, each wherever it stands at once: first all of them together, then one after the other. */
import { dimClasses } from '../dim-classes.ts';
import { valuesInside } from '../bodies/inside.ts';
import type { Assignment, Dim } from '../dim-table.ts';
import { defineGraphPass, type GraphPass } from '../graph-context.ts';

const name = 'shrink-dims';
/** What is tried for all sizes at once. */
const jointSizes = [1, 2, 3];

/** Sizes below `size` that are worth a trial, smallest first; `size - 1` is among them. */
export function smallerSizes(size: number): number[] {
  const sizes: number[] = [];
  for (let next = 1; next < size - 1; next = next < 4 ? next + 1 : Math.ceil(next * 1.5)) sizes.push(next);
  return size > 1 ? [...sizes, size - 1] : [];
}

export const shrinkDims: GraphPass = defineGraphPass({
  name,
  title: 'sizes',
  tier: 1,
  run: async (problem, context) => {
    const { best } = problem;
    const { classes, resized } = dimClasses(best, await valuesInside(best, context));
    let chosen: Assignment = new Map();
    const candidate = (changes: Iterable<readonly [Dim, number]>) => {
      const assignment = new Map([...chosen, ...changes]);
      const testCase = resized(assignment);
      return testCase && { testCase, assignment };
    };
    const jointly = jointSizes.map((size) =>
      candidate(classes.filter((each) => each.size > size).map(({ dim }) => [dim, size])),
    );
    const hit = classes.length > 1 ? await problem.firstFailing(name, jointly) : undefined;
    if (hit) chosen = hit.assignment;
    for (const { dim, size } of classes) {
      const smaller = smallerSizes(chosen.get(dim) ?? size).map((each) => candidate([[dim, each]]));
      const found = await problem.firstFailing(name, smaller);
      if (found) chosen = found.assignment;
    }
  },
});
