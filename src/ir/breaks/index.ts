/** Every break reason, in order of id. To add one: write its file, list it here. */
import type { BreakReason } from '../break.ts';
import { syncReadBreak } from './sync-read.ts';
import { asyncReadBreak } from './async-read.ts';
import { printBreak } from './print.ts';
import { loopReadBreak } from './loop-read.ts';
import { dynamicShapeBreak } from './dynamic-shape.ts';
import { unsupportedKernelBreak } from './unsupported-kernel.ts';
import { hostDtypeBreak } from './host-dtype.ts';
import { graphSizeBreak } from './graph-size.ts';
import { backendMoveBreak } from './backend-move.ts';
import { programEndBreak } from './program-end.ts';
import { stepEndBreak } from './step-end.ts';
import { strictMemoryBreak } from './strict-memory.ts';

export const breakReasons: readonly BreakReason[] = [
  syncReadBreak,
  asyncReadBreak,
  printBreak,
  loopReadBreak,
  dynamicShapeBreak,
  unsupportedKernelBreak,
  hostDtypeBreak,
  graphSizeBreak,
  backendMoveBreak,
  programEndBreak,
  stepEndBreak,
  strictMemoryBreak,
];

const byId: ReadonlyMap<string, BreakReason> = new Map(breakReasons.map((reason) => [reason.id, reason]));

/** The reason with this id; `undefined` for ids that are not ours (PyTorch's GB ids). */
export function findBreakReason(id: string): BreakReason | undefined {
  return byId.get(id);
}
