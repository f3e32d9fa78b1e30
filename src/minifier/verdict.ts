/**
 * What one trial showed. A verdict is a record, never a boolean: a candidate counts only if it fails *the same way* as
 * the original, and everything else it did is worth listing. Two failures are the same when their signatures are
 * equal: kind, error class, message with numbers, shapes, ids and paths masked, and the place it came from.
 */

/** The ways a program can fail. */
export type FailureKind = 'crash' | 'diverge' | 'nan' | 'hang' | 'slow' | 'custom';

/** `harness`: we could not ask the question (set-up failed, reference missing); it never counts as the failure. */
export type VerdictKind = FailureKind | 'harness' | 'pass';

/** What must be equal for two failures to be the same failure. */
export interface Signature {
  readonly kind: FailureKind;
  /** Error class, signal, or kernel. */
  readonly name: string;
  /** Masked message; empty where the name says all. */
  readonly message: string;
  /** Innermost function outside the runtime, `user` for the program's own code, or the last op begun. */
  readonly where: string;
  /** What else must hold: how the reference fares, whose callback the program was in. */
  readonly context?: string;
}

export interface Verdict {
  readonly kind: VerdictKind;
  readonly signature?: Signature;
  /** One line for people, unmasked. */
  readonly message: string;
  /** Numbers worth reporting, such as the largest error. */
  readonly numbers?: Readonly<Record<string, number>>;
  /** Of wrong numbers: by what they are known to be more than rounding, for people. */
  readonly judgedBy?: string;
  /** Other failures seen in the same run. */
  readonly also?: readonly Verdict[];
}

/** `where` of NaN that the program read from a tensor. */
export const readByProgram = 'read';

/** Name of a crash by using too much memory. */
export const memoryLimitName = 'memory limit';

/** How the name of a crash by exit code begins. */
export const exitCodeName = 'exit code';

export const passed: Verdict = { kind: 'pass', message: 'passes' };

/** Equal for equal signatures; readable. */
export function signatureKey(signature: Signature): string {
  return [signature.kind, signature.name, signature.message, signature.where, signature.context ?? ''].join(
    ' | ',
  );
}

/**
 * Whether two failures are the same. A program that prints an error's message and exits with a code shows the same failure
 * as one that lets the error out.
 */
export function isSameFailure(seen: Signature, expected: Signature): boolean {
  if (signatureKey(seen) === signatureKey(expected)) return true;
  const wasReported =
    expected.kind === 'crash' && expected.name.startsWith(exitCodeName) && expected.message !== '';
  // Another exit code is another failure.
  const isThrown = seen.kind === 'crash' && !seen.name.startsWith(exitCodeName);
  if (!wasReported || !isThrown || (seen.context ?? '') !== (expected.context ?? '')) return false;
  return [seen.message, `${seen.name}: ${seen.message}`].includes(expected.message);
}

/** Whether the run showed this failure, first or among others. */
export function showsFailure(verdict: Verdict, expected: Signature): boolean {
  return [verdict, ...(verdict.also ?? [])].some(
    ({ signature }) => signature !== undefined && isSameFailure(signature, expected),
  );
}

/** `crash: Error: Kernel 'Einsum' not registered (einsum_)`. */
export function formatSignature(signature: Signature): string {
  const text = [signature.name, signature.message].filter((part) => part !== '').join(': ');
  const place = [signature.where, signature.context ?? ''].filter((part) => part !== '').join(', ');
  return `${signature.kind}: ${text}${place === '' ? '' : ` (${place})`}`;
}

/** Folder-name form of a signature: lower case words joined by dashes, at most 48 characters. */
export function signatureSlug(signature: Signature): string {
  const words = `${signature.kind} ${signature.name} ${signature.message}`
    .replaceAll(/[^A-Za-z0-9]+/g, '-')
    .toLowerCase();
  return words.slice(0, 48).replaceAll(/^-+|-+$/g, '');
}

/**
 * The message with everything masked that changes while a program shrinks: paths, addresses, numbers, shapes and the
 * counters in generated layer names. Identifiers and property names stay: they tell one failure from another.
 */
export function maskMessage(message: string): string {
  return (
    (message.split('\n', 1)[0] ?? '')
      .slice(0, 400)
      .replaceAll(/(?:file:\/\/)?(?:\/[\w@.+-]+){2,}/g, '<path>')
      .replaceAll(/\b0x[0-9a-f]+\b/gi, '#')
      // Names of nodes come from names of variables.
      .replaceAll(/\b(at node |Name:\s?'?)[\w./:-]+?(?=[:'\s]|$)/g, '$1#')
      .replaceAll(/(_[A-Za-z]\w*?)\d+\b/g, '$1#')
      .replaceAll(/_\d+\b/g, '_#')
      .replaceAll(/(?<![\w#])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?\b/gi, '#')
      .replaceAll(/\b(?:NaN|null|undefined)(?=,|\])/g, '#')
      .replaceAll(/#(?:\s*[,x]\s*#?)+/g, '#')
      .replaceAll(/([[(])\s*#?\s*([\])])/g, '$1#$2')
      .trim()
  );
}

interface Frame {
  readonly function: string;
  readonly file: string;
}

function parseStack(stack: string): Frame[] {
  const frames: Frame[] = [];
  for (const line of stack.split('\n')) {
    const match =
      /^\s+at (?:async )?(?:(.*?) \()?((?:file:\/\/|node:|\/|[A-Za-z]:\\|evalmachine|<)[^)]*?)(?::\d+)?(?::\d+)?\)?$/.exec(
        line,
      );
    if (match) frames.push({ function: match[1] ?? '', file: match[2] ?? '' });
  }
  return frames;
}

/**
 * The libraries that the failing part of the program was called back by, tfjs-core aside, whose `tidy` and gradients do
 * not matter: a layer's `call` is run by tfjs-layers.
 */
export function callbackContext(stack: string): string {
  const frames = parseStack(stack);
  const firstUser = frames.findIndex((frame) => !isForeign(frame));
  if (firstUser < 0) return '';
  const packages = frames.slice(firstUser + 1).map((frame) => packageOf(frame));
  const callers = [...new Set(packages)].filter(
    (name) => name !== undefined && name !== '@tensorflow/tfjs-core',
  );
  return callers.length === 0 ? '' : `in a callback of ${callers.join(', ')}`;
}

function packageOf(frame: Frame): string | undefined {
  return /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(frame.file)?.[1];
}

function isForeign(frame: Frame): boolean {
  return packageOf(frame) !== undefined || frame.file.startsWith('node:') || frame.file.startsWith('<');
}

const plumbing = /^(?:new .*Error|(?:Object\.)?(?:_?assert|throw|fail)\w*(?:\$\d+)?)$/;

/**
 * Where an exception comes from: `user`, or `package:function` of the innermost library function that is not an
 * assertion helper or an error constructor, or the Node function when a runtime call threw.
 */
export function failureOrigin(stack: string): string {
  const frames = parseStack(stack);
  const first = frames.find((frame) => !plumbing.test(frame.function));
  if (first === undefined) return '';
  const library = packageOf(first);
  const name = first.function.replace(/\$\d+$/, '').replace(/ \[as .*\]$/, '');
  if (library !== undefined) return `${library}:${name.replace(/^.*\./, '')}`;
  if (first.file.startsWith('node:')) return `${first.file}:${name}`;
  return 'user';
}
