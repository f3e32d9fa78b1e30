/** Numbers as heights of blocks. */
const blocks = ' ▁▂▃▄▅▆▇█';

/** One character per number from 0 to 1; what is above 0 always shows. */
export function sparkline(shares: ArrayLike<number>): string {
  let text = '';
  for (let index = 0; index < shares.length; index++) {
    const share = Math.min(1, Math.max(0, shares[index]!));
    text += blocks[share <= 0 ? 0 : Math.max(1, Math.round(share * 8))]!;
  }
  return text;
}
