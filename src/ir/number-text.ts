/** Numbers as short as they can be written: float32 0.1 is `0.1`, not the double nearest to it. */
const maxDigits = 9;

/** The shortest decimal that reads back as this float32 value. */
export function float32Text(value: number): string {
  if (!Number.isFinite(value) || Object.is(value, -0)) return Object.is(value, -0) ? '-0' : String(value);
  for (let digits = 1; digits < maxDigits; digits++) {
    const text = Number(value.toPrecision(digits));
    if (Math.fround(text) === value) return String(text);
  }
  return String(Number(value.toPrecision(maxDigits)));
}
