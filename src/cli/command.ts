/** What a command is, and what it is given: everything of the outside world that it may touch. */
import type { Readable, Writable } from 'node:stream';
import type { Flags, Parsed } from './flags.ts';

/** 0 fine, 1 findings, 2 usage or input, 3 environment, 70 our bug; a hosted program's own code passes through. */
export type ExitCode = number;

export interface Context {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: Readable;
  readonly stdout: Output;
  readonly stderr: Output;
}

export interface Output extends Writable {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface Example {
  readonly command: string;
  readonly help: string;
}

export interface Command<Table extends Flags = Flags> {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Words behind the name: `<script> [args...]`. */
  readonly usage: string;
  /** Paragraphs between usage and flags. */
  readonly details?: readonly string[];
  readonly flags: Table;
  readonly examples: readonly Example[];
  /** The first positional is a program: all behind it belongs to the program. */
  readonly stopsAtScript?: true;
  readonly run: (parsed: Parsed<Table>, context: Context) => Promise<ExitCode>;
}

/** Ties the type of `run` to the table; erases it, so that commands fit in one list. */
export function defineCommand<const Table extends Flags>(command: Command<Table>): Command {
  return command as unknown as Command;
}
