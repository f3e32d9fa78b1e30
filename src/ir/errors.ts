/**
 * The errors fullgraph raises on purpose. Each has a stable code, one sentence and one remedy, so that the CLI can
 * print it without a stack trace. Codes: FG1### graph breaks, FG2### guards, FG3### lowering and backend,
 * FG4### minifier, FG5### usage and environment, FG9### our own bugs.
 */

export interface ErrorDetails {
  /** Stable code such as `FG5001`. */
  readonly code: string;
  /** One imperative line that the reader can act on now. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** Base of every deliberate error. */
export class FullgraphError extends Error {
  readonly code: string;
  readonly hint: string | undefined;

  constructor(message: string, details: ErrorDetails) {
    super(message, details.cause === undefined ? {} : { cause: details.cause });
    this.name = new.target.name;
    this.code = details.code;
    this.hint = details.hint;
  }
}

/** The program, the flags or the files can fix it. Exit code 2. */
export class UserError extends FullgraphError {}

/** The machine lacks something: a native library, a terminal, a Node version. Exit code 3. */
export class EnvironmentError extends FullgraphError {}

/** We are wrong. Exit code 70. */
export class InternalError extends FullgraphError {}

/** A backend refused or failed on a graph. */
export class BackendError extends UserError {}

/** A graph break in strict mode (`fullgraph: true`). */
export class GraphBreakError extends UserError {}
