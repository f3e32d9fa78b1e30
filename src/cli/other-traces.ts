/** Traces of processes and threads that a program started, beside its own: see `traceFilesOf` of the host. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { formatPlural } from '../explain/units.ts';
import { nearPath } from './load-report.ts';

/** Traces of this size hold more than the end of a process. */
const surelyRunsBytes = 1 << 20;

/** Whether a graph ran there: a process without tfjs has a trace, too. */
async function holdsRuns(file: string, sizeBytes: number): Promise<boolean> {
  return sizeBytes > surelyRunsBytes || (await readFile(file, 'utf8')).includes('{"kind":"run"');
}

/** Files beside `traceFile` that were written since then and hold runs. */
export async function findOtherTraces(traceFile: string, sinceMs: number): Promise<readonly string[]> {
  const { dir, name, ext, base } = parse(traceFile);
  const beside = (await readdir(dir)).filter(
    (file) => file !== base && file.startsWith(`${name}.`) && file.endsWith(ext),
  );
  const found: string[] = [];
  for (const file of beside.sort()) {
    const path = join(dir, file);
    const { mtimeMs, size } = await stat(path);
    if (mtimeMs >= sinceMs && (await holdsRuns(path, size))) found.push(path);
  }
  return found;
}

/** A line that tells of them; nothing when there are none. */
export function describeOtherTraces(traces: readonly string[], isKept: boolean, cwd: string): string {
  if (traces.length === 0) return '';
  const who = formatPlural(
    traces.length,
    'process or thread of the program ran graphs of its own',
    'processes or threads of the program ran graphs of their own',
  );
  const where = isKept
    ? `look at ${traces.map((file) => nearPath(cwd, file)).join(', ')}`
    : 'keep the traces with --trace-out run.jsonl';
  return `note: ${who}, which are not in this report: ${where}\n`;
}
