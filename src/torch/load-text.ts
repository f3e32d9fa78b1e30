/** Texts that a record only points to: read from the log when somebody opens them. */
import { promises as fs } from 'node:fs';
import type { ArtifactRecord } from '../ir/record.ts';

const tab = 0x09;

/** Removes a payload's indent from each line, and the empty lines that a log collector may have added. */
function unindent(bytes: Buffer, indentBytes: number): string {
  const lines = bytes.toString('latin1').split('\n');
  const texts = lines.flatMap((line) => {
    const text = line.endsWith('\r') ? line.slice(0, -1) : line;
    if (text === '') return [];
    if (text.charCodeAt(indentBytes - 1) === tab) return [text.slice(indentBytes)];
    return [text.charCodeAt(0) === tab ? text.slice(1) : text];
  });
  return Buffer.from(texts.join('\n'), 'latin1').toString('utf8');
}

/**
 * The text of an artifact, from the record or from the file it points into; `undefined` when the record has neither, or
 * the file is gone or shorter than it was.
 */
export async function loadText(artifact: ArtifactRecord): Promise<string | undefined> {
  const { text, location } = artifact;
  if (text !== undefined || location === undefined) return text;
  const buffer = Buffer.alloc(location.lengthBytes);
  try {
    const handle = await fs.open(location.file, 'r');
    try {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, location.offset);
      if (bytesRead < buffer.length) return undefined;
    } finally {
      await handle.close();
    }
  } catch {
    return undefined;
  }
  return location.indentBytes === undefined
    ? buffer.toString('utf8')
    : unindent(buffer, location.indentBytes);
}
