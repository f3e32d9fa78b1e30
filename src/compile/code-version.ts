/** What plans on disk depend on besides the graph: the lowerings and passes that made them. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

let known: string | undefined;

function newestIn(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).reduce(
    (newest, name) => Math.max(newest, statSync(join(folder, name)).mtimeMs),
    0,
  );
}

/** The package's version; when run from its sources, their age as well, as they change without one. */
export function codeVersion(): string {
  if (known !== undefined) return known;
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  const isSource = import.meta.url.endsWith('.ts');
  known = isSource ? `${version}+${newestIn(fileURLToPath(new URL('.', import.meta.url)))}` : version;
  return known;
}
