/** The op table: every kernel that fullgraph knows, by tfjs's name. A new family is one file and one line here. */
import { activationOps } from './activation.ts';
import { dilationOps } from './conv-dilation.ts';
import { convGradientOps } from './conv-gradient.ts';
import { convOps } from './conv.ts';
import { detectionOps } from './detection.ts';
import { eagerOps } from './eager.ts';
import { einsumOps } from './einsum.ts';
import { binaryOps } from './elementwise-binary.ts';
import { unaryOps } from './elementwise-unary.ts';
import { fillOps } from './fill.ts';
import { gatherOps } from './gather.ts';
import { imageBlockOps } from './image-blocks.ts';
import { cropAndResizeOp } from './image-crop.ts';
import { imageResizeOps } from './image-resize.ts';
import { transformOp } from './image-transform.ts';
import { imageTurnOps } from './image-turn.ts';
import { lookupOps } from './lookup.ts';
import { matmulOps } from './matmul.ts';
import { normalizeOps } from './normalize.ts';
import { poolGradientOps } from './pool-gradient.ts';
import { poolOps } from './pool.ts';
import { reduceOps } from './reduce.ts';
import { selectOps } from './select.ts';
import { shapeOps } from './shape.ts';
import { sliceOps } from './slice.ts';
import type { OpDefinition } from './define-op.ts';

const families: readonly (readonly OpDefinition[])[] = [
  unaryOps,
  binaryOps,
  activationOps,
  selectOps,
  reduceOps,
  matmulOps,
  einsumOps,
  shapeOps,
  sliceOps,
  fillOps,
  gatherOps,
  lookupOps,
  detectionOps,
  eagerOps,
  convOps,
  convGradientOps,
  dilationOps,
  poolOps,
  poolGradientOps,
  normalizeOps,
  imageResizeOps,
  imageBlockOps,
  imageTurnOps,
  [cropAndResizeOp, transformOp],
];

export const opTable: ReadonlyMap<string, OpDefinition> = new Map(
  families.flat().map((definition) => [definition.kernel, definition]),
);
