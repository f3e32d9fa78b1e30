/** The reduction passes for graphs, in order. Tiers run to a fixed point one after the other, see `reduce.ts`. */
import { inside } from '../bodies/inside.ts';
import type { GraphPass } from '../graph-context.ts';
import { bypassNodes } from './bypass-nodes.ts';
import { constantsToInitializers } from './constants-to-initializers.ts';
import { defaultAttributes } from './default-attributes.ts';
import { deleteNodes } from './delete-nodes.ts';
import { dropOperands } from './drop-operands.ts';
import { dropOutputs } from './drop-outputs.ts';
import { findNeighbourhood } from './find-neighbourhood.ts';
import { inputsToInitializers } from './inputs-to-initializers.ts';
import { inlineSubgraphs } from './inline-subgraphs.ts';
import { mergeTensors } from './merge-tensors.ts';
import { shortenNames } from './shorten-names.ts';
import { shrinkDims } from './shrink-dims.ts';
import { simplifyTypes } from './simplify-types.ts';
import { simplifyValues } from './simplify-values.ts';
import { stripMetadata } from './strip-metadata.ts';

export const graphPasses: readonly GraphPass[] = [
  // Nodes; graphs inside nodes when they have to stay.
  constantsToInitializers,
  findNeighbourhood,
  inlineSubgraphs,
  deleteNodes,
  bypassNodes,
  ...[constantsToInitializers, findNeighbourhood, inlineSubgraphs, deleteNodes, bypassNodes].map(inside),
  // What is around them. What disturbs least comes first: an answer holds for the very same model only.
  stripMetadata,
  shortenNames,
  dropOutputs,
  inside(dropOutputs),
  shrinkDims,
  mergeTensors,
  inside(mergeTensors),
  dropOperands,
  inside(dropOperands),
  inputsToInitializers,
  defaultAttributes,
  inside(defaultAttributes),
  simplifyTypes,
  simplifyValues,
  inside(simplifyValues),
];
