/** What plans on disk depend on besides the graph: the lowerings and passes that made them. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { codeFolder, isSource, packageVersion } from '../own-files.ts';

let known: string | undefined;

function newestIn(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).reduce(
    (newest, name) => Math.max(newest, statSync(join(folder, name)).mtimeMs),
    0,
  );
}

/** Changes whenever the code that makes plans does. */
export function codeVersion(): string {
  known ??= findVersion();
  return known;
}

function findVersion(): string {
  if (isSource) return `sources of ${newestIn(join(codeFolder, 'compile'))}`;
  const file = fileURLToPath(import.meta.url);
  // The build names its chunks after what they hold.
  if (packageVersion !== undefined) return `${packageVersion} ${basename(file)}`;
  return `bundle ${createHash('sha256').update(readFileSync(file)).digest('hex')}`;
}
