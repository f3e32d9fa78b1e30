/**
 * Flag tables over `node:util` parseArgs: types, help texts and "did you mean" come from one entry per flag. Values from
 * `fullgraph.config.json` stand in for flags that are not given.
 */
import { parseArgs } from 'node:util';
import { UserError } from '../ir/errors.ts';
import { suggest } from './suggest.ts';

export interface Flag {
  readonly type: 'boolean' | 'string' | 'number';
  readonly short?: string;
  /** `<file>`, `<n>` in help. */
  readonly value?: string;
  readonly choices?: readonly string[];
  /** On unless told otherwise: help shows `--no-...`. */
  readonly isOnByDefault?: true;
  /** What it does, one sentence without a full stop. */
  readonly help: string;
}

export type Flags = Readonly<Record<string, Flag>>;

type ValueOf<F extends Flag> = F['type'] extends 'boolean'
  ? boolean
  : F['type'] extends 'number'
    ? number
    : string;

/** Values by flag name (`max-breaks`); absent flags are `undefined`. */
export type Values<Table extends Flags> = { readonly [Name in keyof Table]?: ValueOf<Table[Name]> };

export interface Parsed<Table extends Flags> {
  readonly values: Values<Table>;
  readonly positionals: readonly string[];
  /** Everything behind `--`, or behind the script for commands that stop there. */
  readonly rest: readonly string[];
}

export type Config = Readonly<Record<string, string | number | boolean>>;

function usageError(message: string, hint: string): UserError {
  return new UserError(message, { code: 'FG5010', hint });
}

function optionNames(word: string): { readonly name: string; readonly hasValue: boolean } {
  const [name, ...value] = word.replace(/^--?/, '').split('=');
  return { name: name!, hasValue: value.length > 0 };
}

/** Index of the first word that is neither a flag nor a flag's value. */
export function firstPositional(argv: readonly string[], table: Flags): number {
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index]!;
    if (word === '-' || !word.startsWith('-')) return index;
    const { name, hasValue } = optionNames(word);
    const flag = word.startsWith('--')
      ? table[name]
      : Object.values(table).find((candidate) => candidate.short === name);
    if (!hasValue && flag !== undefined && flag.type !== 'boolean') index += 1;
  }
  return argv.length;
}

function checked(name: string, flag: Flag, value: unknown, origin: string): string | number | boolean {
  if (flag.type === 'number') {
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    if (typeof number === 'number' && Number.isFinite(number) && number >= 0) return number;
    throw usageError(
      `${origin} takes a number from 0, got ${JSON.stringify(value)}`,
      `For example: --${name} 3`,
    );
  }
  if (flag.type === 'string') {
    if (typeof value !== 'string' || value === '') {
      throw usageError(`${origin} takes ${flag.value ?? 'a text'}, got ${JSON.stringify(value)}`, flag.help);
    }
    if (flag.choices !== undefined && !flag.choices.includes(value)) {
      throw usageError(
        `${origin} takes ${flag.choices.join(', ')}; got ${JSON.stringify(value)}`,
        suggest(value, flag.choices) ?? `For example: --${name} ${flag.choices[0]}`,
      );
    }
    return value;
  }
  if (typeof value !== 'boolean') {
    throw usageError(`${origin} takes true or false, got ${JSON.stringify(value)}`, 'Write true or false.');
  }
  return value;
}

/**
 * @param stopsAtScript the first positional ends our flags: all behind it is the program's, untouched.
 * @throws FG5010 for unknown flags and wrong values.
 */
export function parseFlags<Table extends Flags>(
  argv: readonly string[],
  table: Table,
  config: Config,
  stopsAtScript: boolean,
): Parsed<Table> {
  const separator = argv.indexOf('--');
  const split = stopsAtScript ? firstPositional(argv, table) + 1 : argv.length;
  const end = Math.min(separator < 0 ? argv.length : separator, split, argv.length);
  const own = argv.slice(0, end);
  const rest = separator === end ? argv.slice(end + 1) : argv.slice(end);
  const parsed = parseArgs({
    args: [...own],
    options: Object.fromEntries(
      Object.entries(table).map(([name, flag]) => [
        name,
        {
          type: flag.type === 'boolean' ? ('boolean' as const) : ('string' as const),
          ...(flag.short === undefined ? {} : { short: flag.short }),
        },
      ]),
    ),
    allowPositionals: true,
    allowNegative: true,
    strict: false,
    tokens: true,
  });
  for (const token of parsed.tokens) {
    if (token.kind !== 'option') continue;
    const isNegative = !Object.hasOwn(table, token.name) && token.name.startsWith('no-');
    const flag = table[isNegative ? token.name.slice(3) : token.name];
    if (flag === undefined || !Object.hasOwn(table, isNegative ? token.name.slice(3) : token.name)) {
      throw usageError(
        `there is no flag ${token.rawName}`,
        suggest(token.name, Object.keys(table), '--') ?? 'Run it with --help for the flags it has.',
      );
    }
    if (flag.type !== 'boolean' && (token.value === undefined || isNegative)) {
      throw usageError(
        `${token.rawName} needs a value`,
        `Write ${token.rawName} ${flag.value ?? '<value>'}.`,
      );
    }
    if (flag.type === 'boolean' && token.value !== undefined) {
      throw usageError(`${token.rawName} takes no value`, `Write --${token.name} or --no-${token.name}.`);
    }
  }
  const given: Readonly<Record<string, unknown>> = parsed.values;
  const values: Record<string, string | number | boolean> = {};
  for (const [name, flag] of Object.entries(table)) {
    if (given[name] !== undefined) values[name] = checked(name, flag, given[name], `--${name}`);
    else if (config[name] !== undefined) {
      values[name] = checked(name, flag, config[name], `${camelCase(name)} in fullgraph.config.json`);
    }
  }
  return { values: values as Values<Table>, positionals: parsed.positionals, rest };
}

/** `max-breaks` → `maxBreaks`. */
export function camelCase(name: string): string {
  return name.replace(/-(.)/g, (_match, letter: string) => letter.toUpperCase());
}
