/**
 * The text of one graph break, as `unimplemented(...)` words it, in; its parts out: place, kind, explanation, hints,
 * user stack. Wordings changed from version to version, so each part is looked for on its own, never by position.
 */
import type { StackFrame } from '../ir/span.ts';
import { framesOfText, shortenPath } from './python-stack.ts';

export interface BreakText {
  /** Place as the text names it. */
  readonly site: { readonly file: string; readonly line: number } | undefined;
  /** Dynamo's `gb_type`: one short phrase. */
  readonly type: string;
  /** `GB0170`. */
  readonly id: string | undefined;
  readonly url: string | undefined;
  readonly explanation: string | undefined;
  readonly hints: readonly string[];
  /** Developer debug context. */
  readonly context: string | undefined;
  /** What Dynamo was about to trace: `CALL: a function call, e.g. f(x, y)`. */
  readonly tracing: string | undefined;
  /** Whether the whole function went eager, instead of a resume function after the break. */
  readonly isSkip: boolean;
  /** User stack, innermost first. */
  readonly frames: readonly StackFrame[];
  /** A second break while handling the first. */
  readonly nested: string | undefined;
}

const siteLine = /in user code at (.+):(\d+)\s*$/m;
const url = /https?:\/\/\S*\/gb\/(gb\d+)\.html/i;
const skipWords =
  /results in a skip|Skipping the function and falling back to eager|will skip tracing the frame|^Graph break: skip:/m;
const nestedMark = /^\*\*\* While handling this graph break, another graph break occurred: \*\*\*\s*$/m;

const fieldStart =
  /^\s{1,6}(Explanation|Hint|Developer debug context|Higher Order Operator|\[Higher Order Operator)[:\]]?/;
const sectionEnd =
  /^\s*(?:For more details about this graph break|User code traceback:|Traceback \(most recent call last\)|NoneType: None|from user code|The graph break occurred in the following user code|Most recent bytecode instructions)/;
const preamble =
  /^(?:Encountered graph break when attempting to trace|Failed to handle graph break gracefully|Graph break encountered)/;

interface Fields {
  readonly head: string[];
  readonly explanation: string[];
  readonly hints: string[][];
  readonly context: string[];
}

/** Splits the reason's lines at its labels; a label's text runs to the next label. */
function splitFields(lines: readonly string[]): Fields {
  const fields: Fields = { head: [], explanation: [], hints: [], context: [] };
  let target = fields.head;
  for (const line of lines) {
    if (sectionEnd.test(line)) break;
    const label = fieldStart.exec(line)?.[1];
    if (label?.includes('Higher Order') === true) continue;
    if (label === undefined) {
      target.push(line);
      continue;
    }
    const rest = line.slice(line.indexOf(':') + 1).trimStart();
    if (label === 'Hint') {
      target = [rest];
      fields.hints.push(target);
    } else {
      target = label === 'Explanation' ? fields.explanation : fields.context;
      target.push(rest);
    }
  }
  return fields;
}

function joined(lines: readonly string[]): string | undefined {
  const text = lines
    .map((line) => line.trimEnd())
    .join('\n')
    .trim();
  return text === '' ? undefined : text;
}

/** The phrase that names the break: the last line in front of the labels, behind preambles. */
function typeOf(head: readonly string[], hasLabels: boolean): string {
  const phrases = head.map((line) => line.trim()).filter((line) => line !== '' && !preamble.test(line));
  return (hasLabels ? phrases.at(-1) : phrases[0]) ?? '';
}

function reasonLines(lines: readonly string[]): readonly string[] {
  const start = lines.findIndex((line) => line.includes('Graph Break Reason:'));
  if (start === -1) return [];
  const first = lines[start]!;
  return [first.slice(first.indexOf(':') + 1).trimStart(), ...lines.slice(start + 1)];
}

function upTo(lines: readonly string[], isEnd: (line: string) => boolean): readonly string[] {
  const end = lines.findIndex(isEnd);
  return end === -1 ? lines : lines.slice(0, end);
}

function sectionAfter(lines: readonly string[], isStart: (line: string) => boolean): readonly string[] {
  const start = lines.findIndex(isStart);
  if (start === -1) return [];
  return upTo(
    lines.slice(start + 1),
    (line) => line.startsWith('Traceback (most recent') || line === 'NoneType: None',
  );
}

/** The last exception line of a traceback, without its class: what a text says when it has no reason section. */
function lastException(lines: readonly string[]): string {
  const isException = /^(?:[A-Za-z_][\w.]*\.)?[A-Z]\w*(?:Error|Exception|Unsupported|Exit|Failed)?: /;
  const line = lines.findLast((candidate) => isException.test(candidate));
  return line === undefined ? '' : line.slice(line.indexOf(': ') + 2).trim();
}

/** The parts of a break's text; what a text does not have is absent. Never throws. */
export function parseBreakText(text: string): BreakText {
  const nestedAt = nestedMark.exec(text);
  const main = nestedAt === null ? text : text.slice(0, nestedAt.index);
  const lines = main.split('\n');
  const beforeTraceback = upTo(lines, (line) => line.startsWith('Traceback (most recent'));
  const reason = reasonLines(lines);
  const fields = splitFields(reason.length > 0 ? reason : lines);
  const hasLabels = fields.explanation.length > 0 || fields.hints.length > 0;
  const marked = sectionAfter(
    lines,
    (line) =>
      line.startsWith('User code traceback:') ||
      /in the following user code:|from user code(?: at)?:/.test(line),
  );
  const frames = framesOfText(marked.length > 0 ? marked : beforeTraceback);
  const named = siteLine.exec(beforeTraceback.join('\n'));
  const site =
    named !== null
      ? { file: shortenPath(named[1]!), line: Number(named[2]) }
      : frames[0] && { file: frames[0].file, line: frames[0].line };
  const page = url.exec(main);
  const tracing = /attempting to trace ([^\n]*?):?\s*$/m.exec(reason.join('\n'))?.[1];
  const type = reason.length > 0 || hasLabels ? typeOf(fields.head, hasLabels) : lastException(lines);
  return {
    site,
    type: type === '' ? (lines.find((line) => line.trim() !== '')?.trim() ?? 'unknown reason') : type,
    id: page?.[1]?.toUpperCase(),
    url: page?.[0],
    explanation: joined(fields.explanation),
    hints: fields.hints.flatMap((hint) => joined(hint) ?? []),
    context: joined(fields.context),
    tracing,
    isSkip: skipWords.test(main),
    frames,
    nested:
      nestedAt === null ? undefined : text.slice(nestedAt.index + nestedAt[0].length).trim() || undefined,
  };
}

/**
 * The parts of a bare reason as it stands in `restart_reasons` and `fail_reason`: no place, no stack.
 */
export function parseReason(text: string): BreakText {
  return parseBreakText(text.includes('Graph Break Reason:') ? text : `Graph Break Reason: ${text}`);
}
