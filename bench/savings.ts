/**
 * `npm run bench:savings`: is the cost that explain reports for breaks what one gains by removing them? Programs of
 * `bench/savings` run as they are and as their authors would mend them, side by side; the difference is compared with `savingMs`.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { JsonReport } from '../src/explain/json-report.ts';

const rounds = 5;
const cli = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const programs = ['watch-activations', 'watch-iterations', 'clip-gradients'];

interface Timing {
  readonly steps: number;
  readonly medianMs: number;
}

function fullgraph(...words: string[]): string {
  return execFileSync(process.execPath, [cli, ...words], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

function fileOf(program: string): string {
  return fileURLToPath(new URL(`savings/${program}.mjs`, import.meta.url));
}

function timeOf(program: string, ...words: string[]): Timing {
  return JSON.parse(fullgraph('run', '--threads', '1', fileOf(program), ...words)) as Timing;
}

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[values.length >> 1]!;
}

const milliseconds = (value: number): string => value.toFixed(4).padStart(9);

console.log('ms per step           broken    mended    gained  reported  reported/gained');
for (const program of programs) {
  const broken: number[] = [];
  const mended: number[] = [];
  const reported: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const timing = timeOf(program);
    broken.push(timing.medianMs);
    mended.push(timeOf(program, 'fixed').medianMs);
    const report = JSON.parse(
      fullgraph('explain', '--json', '--threads', '1', fileOf(program)),
    ) as JsonReport;
    reported.push((report.totals.savingMs ?? 0) / timing.steps);
  }
  const gained = median(broken) - median(mended);
  const cells = [median(broken), median(mended), gained, median(reported)].map(milliseconds).join(' ');
  console.log(`${program.padEnd(18)} ${cells}  ${(median(reported) / gained).toFixed(2).padStart(15)}`);
}
