/** Reports of the traces in `fixtures/traces`, read as the command reads them. */
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Context } from '../../../src/cli/command.ts';
import { findInput } from '../../../src/cli/input.ts';
import { loadReport } from '../../../src/cli/load-report.ts';
import type { Report } from '../../../src/explain/report.ts';

export const root: string = fileURLToPath(new URL('../../..', import.meta.url));

/** A context whose streams keep what is written to them. */
export function quietContext(env: Context['env'] = {}): Context {
  return {
    cwd: root,
    env,
    stdin: new PassThrough(),
    stdout: new PassThrough(),
    stderr: new PassThrough(),
  };
}

/** @param words one trace, or several logs, relative to the repository. */
export async function reportOf(...words: string[]): Promise<Report> {
  const context = quietContext();
  const input = await findInput(words, [], context);
  if (input.kind !== 'trace' && input.kind !== 'torch') throw new Error(`${words.join(' ')} is no trace`);
  return (await loadReport(input, context)).report;
}
