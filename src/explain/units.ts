/** Numbers as words, the same in every reporter and in the UI: `1,234`, `41 %`, `1.2 ms`, `3.4 MB`, `5 breaks`. */

const thousands = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** `12,345`. */
export function formatCount(value: number): string {
  return thousands.format(value);
}

/** `1 break`, `2,000 breaks`. */
export function formatPlural(value: number, singular: string, plural = `${singular}s`): string {
  return `${formatCount(value)} ${value === 1 ? singular : plural}`;
}

/** About three significant digits: `0.42 µs`... `850 µs`, `1.23 ms`, `45.6 ms`, `1.20 s`, `2 min 5 s`. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 0) return `-${formatDuration(-durationMs)}`;
  if (durationMs === 0) return '0 ms';
  if (durationMs < 0.9995) return `${significant(durationMs * 1000)} µs`;
  if (durationMs < 999.5) return `${significant(durationMs)} ms`;
  if (durationMs < 59_950) return `${significant(durationMs / 1000)} s`;
  const seconds = Math.round(durationMs / 1000);
  return `${formatCount(Math.floor(seconds / 60))} min ${seconds % 60} s`;
}

function significant(value: number): string {
  return value < 9.995 ? value.toFixed(2) : value < 99.95 ? value.toFixed(1) : value.toFixed(0);
}

/** `41 %`, `0.3 %`; `<0.1 %` for what is there but tiny, `>99.9 %` for what is nearly all: never rounded to 0 or 100. */
export function formatShare(share: number): string {
  const percent = share * 100;
  if (percent > 0 && percent < 0.1) return '<0.1 %';
  if (percent > 99.9 && percent < 100) return '>99.9 %';
  if (percent >= 99.5 && percent < 100) return `${(Math.floor(percent * 10) / 10).toFixed(1)} %`;
  return `${percent !== 0 && Math.abs(percent) < 9.95 ? trimZero(percent.toFixed(1)) : percent.toFixed(0)} %`;
}

function trimZero(text: string): string {
  return text.replace(/\.0$/, '');
}

const byteUnits = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** Powers of 1000: `512 B`, `1.2 MB`. */
export function formatBytes(sizeBytes: number): string {
  let value = sizeBytes;
  let unit = 0;
  while (Math.abs(value) >= 999.5 && unit < byteUnits.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 99.95 ? value.toFixed(0) : trimZero(value.toFixed(1))} ${byteUnits[unit]}`;
}

/** Ascending numbers, runs of three and more as a range: `0-5, 7, 9`. */
export function formatRanges(numbers: readonly number[]): string {
  const parts: string[] = [];
  for (let start = 0; start < numbers.length;) {
    let end = start;
    while (numbers[end + 1] === numbers[end]! + 1) end++;
    if (end - start < 2) end = start;
    parts.push(end === start ? String(numbers[start]) : `${numbers[start]}-${numbers[end]}`);
    start = end + 1;
  }
  return parts.join(', ');
}
