/** The table of kernels that have a form in JavaScript. */
import type { MakeClosure } from './closure.ts';
import { elementwiseClosures } from './elementwise.ts';
import { fillClosures } from './fill.ts';
import { gatherClosures } from './gather.ts';
import { matmulClosures } from './matmul.ts';
import { moveClosures } from './move.ts';
import { reduceClosures } from './reduce.ts';

const table = new Map<string, MakeClosure>(
  Object.entries({
    ...elementwiseClosures,
    ...fillClosures,
    ...gatherClosures,
    ...matmulClosures,
    ...moveClosures,
    ...reduceClosures,
  }),
);

/** How a kernel's calls become closures; `undefined` for kernels without a form in JavaScript. */
export function closureMaker(kernel: string): MakeClosure | undefined {
  return table.get(kernel);
}
