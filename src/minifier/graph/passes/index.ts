/** The reduction passes for graphs, in order. Tiers run to a fixed point one after the other, see `reduce.ts`. */
import type { GraphPass } from '../graph-context.ts';
import { bypassNodes } from './bypass-nodes.ts';
import { constantsToInitializers } from './constants-to-initializers.ts';
import { deleteNodes } from './delete-nodes.ts';
import { findNeighbourhood } from './find-neighbourhood.ts';

export const graphPasses: readonly GraphPass[] = [
  // Nodes.
  constantsToInitializers,
  findNeighbourhood,
  deleteNodes,
  bypassNodes,
];
