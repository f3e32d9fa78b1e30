/**
 * How much a reduction may cost: `60s`, `5m`, `500 trials`, or several of them (`60s|500 trials`); the first limit that is
 * reached ends it.
 */
import { UserError } from '../ir/errors.ts';

export interface Budget {
  readonly maxDurationMs?: number;
  readonly maxTrials?: number;
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, min: 60_000, h: 3_600_000 };

/**
 * The limits that a text such as `60s|500 trials` states.
 * @throws UserError FG4002 for anything else.
 */
export function parseBudget(text: string): Budget {
  let maxDurationMs = Infinity;
  let maxTrials = Infinity;
  for (const part of text.split(/[|,]/)) {
    const match = /^\s*(\d+(?:\.\d+)?)\s*(ms|s|m|min|h|trials?)\s*$/.exec(part);
    const amount = Number(match?.[1]);
    const unit = match?.[2] ?? '';
    if (unit.startsWith('trial')) maxTrials = Math.min(maxTrials, amount);
    else if (unitMs[unit] !== undefined) maxDurationMs = Math.min(maxDurationMs, amount * unitMs[unit]);
    else {
      throw new UserError(`budget: '${part.trim()}' is neither a time nor a number of trials`, {
        code: 'FG4002',
        hint: "Write it as '60s', '5m', '500 trials' or '60s|500 trials'.",
      });
    }
  }
  return {
    ...(maxDurationMs === Infinity ? {} : { maxDurationMs }),
    ...(maxTrials === Infinity ? {} : { maxTrials }),
  };
}
