/**
 * Inductor logs each graph as a stand-alone Python script, `fx_graph_runnable`: what a bug report against PyTorch
 * needs. This writes them to files.
 */
import { promises as fs } from 'node:fs';
import { join } from 'node:path';
import type { ArtifactRecord, TraceRecord } from '../ir/record.ts';
import { loadText } from './load-text.ts';

/** `r0:0/1#2` as part of a file name: `r0_0_1_2`. */
function fileStem(owner: string): string {
  return owner.replace(/[^A-Za-z0-9]+/g, '_').replace(/^_+|_+$/g, '');
}

/**
 * Writes each runnable graph of a trace into a directory, made when needed, as `0_1.py`, `0_1_b.py` for a second one of
 * the same compilation. @returns the paths, in order of the trace.
 */
export async function saveRunnables(
  records: Iterable<TraceRecord> | AsyncIterable<TraceRecord>,
  directory: string,
): Promise<string[]> {
  const found: ArtifactRecord[] = [];
  for await (const record of records) {
    if (record.kind === 'artifact' && record.name === 'fx_graph_runnable') found.push(record);
  }
  if (found.length > 0) await fs.mkdir(directory, { recursive: true });
  const seen = new Map<string, number>();
  const paths: string[] = [];
  for (const artifact of found) {
    const text = await loadText(artifact);
    if (text === undefined) continue;
    const stem = fileStem(artifact.owner);
    const index = seen.get(stem) ?? 0;
    seen.set(stem, index + 1);
    const suffix = index === 0 ? '' : `_${index < 26 ? String.fromCharCode(97 + index) : index}`;
    const path = join(directory, `${stem}${suffix}.py`);
    await fs.writeFile(path, text.startsWith('\n') ? text.slice(1) : text);
    paths.push(path);
  }
  return paths;
}
