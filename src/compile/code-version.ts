/** What plans on disk depend on besides the graph: the lowerings and passes that made them. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { dirname, join } from 'node:path';

let known: string | undefined;

function newestIn(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).reduce(
    (newest, name) => Math.max(newest, statSync(join(folder, name)).mtimeMs),
    0,
  );
}

/** The package's version; when run from its sources their age, or the bundle they are in, as they change without one. */
export function codeVersion(): string {
  known ??= findVersion();
  return known;
}

function findVersion(): string {
  const own = fileURLToPath(import.meta.url);
  if (own.endsWith('.ts')) return `sources of ${newestIn(dirname(own))}`;
  try {
    const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
    const { name, version } = JSON.parse(text) as { name?: unknown; version?: unknown };
    if (name === 'fullgraph') return String(version);
  } catch {
    // Not where the package has it.
  }
  return `bundle ${createHash('sha256').update(readFileSync(own)).digest('hex')}`;
}
