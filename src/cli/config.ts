/** `fullgraph.config.json`: defaults for flags, by their names in camelCase, from the working directory upwards. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { UserError } from '../ir/errors.ts';
import { camelCase, type Config } from './flags.ts';
import { suggest } from './suggest.ts';

const fileName = 'fullgraph.config.json';

function find(directory: string): { readonly file: string; readonly text: string } | undefined {
  for (let folder = directory; ; folder = dirname(folder)) {
    const file = join(folder, fileName);
    try {
      return { file, text: readFileSync(file, 'utf8') };
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code !== 'ENOENT' && code !== 'ENOTDIR') {
        throw new UserError(`cannot read ${file}: ${(cause as Error).message}`, {
          code: 'FG5011',
          hint: 'Make the file readable, or remove it.',
          cause,
        });
      }
    }
    if (dirname(folder) === folder) return undefined;
  }
}

/**
 * Values by flag name; empty when there is no such file.
 * @param knownFlags names of the flags of all commands; asked for when there is a file.
 * @throws FG5011 when the file is not a JSON object of known names and plain values.
 */
export async function readConfig(
  directory: string,
  knownFlags: () => Promise<readonly string[]>,
): Promise<Config> {
  const found = find(directory);
  if (found === undefined) return {};
  const fail = (message: string, hint: string, cause?: unknown): never => {
    throw new UserError(message, { code: 'FG5011', hint, cause });
  };
  let value: unknown;
  try {
    value = JSON.parse(found.text);
  } catch (cause) {
    return fail(`${found.file} is not JSON: ${(cause as Error).message}`, 'Mend the file.', cause);
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    return fail(`${found.file} must hold an object`, 'Write for example { "maxBreaks": 3 }.');
  }
  const flags = await knownFlags();
  const names = new Map(flags.map((name) => [camelCase(name), name]));
  const config: Record<string, string | number | boolean> = {};
  for (const [key, entry] of Object.entries(value as Readonly<Record<string, unknown>>)) {
    const name = names.get(key);
    if (key === '$schema') continue;
    if (name === undefined) {
      return fail(
        `${found.file} sets \`${key}\`, which is no flag`,
        suggest(key, [...names.keys()]) ?? `Known are ${[...names.keys()].sort().join(', ')}.`,
      );
    }
    if (typeof entry !== 'string' && typeof entry !== 'number' && typeof entry !== 'boolean') {
      return fail(`\`${key}\` in ${found.file} must be a text, a number, true or false`, 'Mend the value.');
    }
    config[name] = entry;
  }
  return config;
}
