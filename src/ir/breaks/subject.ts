/** How a break names the tensor that was forced. */
import type { BreakContext } from '../break.ts';

/** `loss (float32[])`, or `a float32[2] tensor`, or `a tensor`. */
export function subject(context: BreakContext): string {
  if (context.tensor !== undefined)
    return context.type === undefined ? `\`${context.tensor}\`` : `\`${context.tensor}\` (${context.type})`;
  return context.type === undefined ? 'a tensor' : `a ${context.type} tensor`;
}
