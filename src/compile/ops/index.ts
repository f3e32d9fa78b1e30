/** The op table: every kernel that fullgraph knows, by tfjs's name. A new family is one file and one line here. */
import { convGradientOps } from './conv-gradient.ts';
import { convOps } from './conv.ts';
import { imageBlockOps } from './image-blocks.ts';
import { cropAndResizeOp } from './image-crop.ts';
import { imageResizeOps } from './image-resize.ts';
import { imageTurnOps } from './image-turn.ts';
import { normalizeOps } from './normalize.ts';
import { poolGradientOps } from './pool-gradient.ts';
import { poolOps } from './pool.ts';
import type { OpDefinition } from './define-op.ts';

const families: readonly (readonly OpDefinition[])[] = [
  convOps,
  convGradientOps,
  poolOps,
  poolGradientOps,
  normalizeOps,
  imageResizeOps,
  imageBlockOps,
  imageTurnOps,
  [cropAndResizeOp],
];

export const opTable: ReadonlyMap<string, OpDefinition> = new Map(
  families.flat().map((definition) => [definition.kernel, definition]),
);
