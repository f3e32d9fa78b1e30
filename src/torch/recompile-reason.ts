/**
 * One line of `recompile_reasons` (`0/1: tensor 'x' size mismatch at index 0. expected 4, actual 6`) in, a guard
 * failure as data out. The wordings are those of Dynamo's C++ guards (tensor checks) and of its guard expressions.
 */
import { asList, parsePythonJson } from './json.ts';
import { guardFacts, shortenSource } from './guard-tree.ts';

export type FailureCause =
  | 'size'
  | 'stride'
  | 'dtype'
  | 'rank'
  | 'device'
  | 'requires_grad'
  | 'dispatch keys'
  | 'value'
  | 'length'
  | 'identity'
  | 'type'
  | 'range'
  | 'contains'
  | 'aliasing'
  | 'global state'
  | 'invalidated'
  | 'limit'
  | 'unknown';

export interface RecompileReason {
  /** Compile id of the cached entry whose guard failed: `0/1`. */
  readonly entry: string | undefined;
  readonly cause: FailureCause;
  /** What was guarded: `x`, `self.mode`, `len(d)`. */
  readonly subject: string;
  /** Dimension of a size or stride mismatch. */
  readonly axis: number | undefined;
  readonly expected: string | undefined;
  /** Absent where the text only says what was expected. */
  readonly actual: string | undefined;
  /** The guard as torch wrote it, without user code and stack. */
  readonly guard: string;
  /** User code that the guard comes from. */
  readonly code: string | undefined;
  readonly file: string | undefined;
  readonly line: number | undefined;
  /** Torch's own hint in parentheses. */
  readonly hint: string | undefined;
}

const entryPrefix = /^\s*((?:![\d-]+\/)?\d+\/\d+)\s*:\s?/;
const mismatch =
  /^tensor '(.*)' (size|strides?|dtype|rank|device|requires_grad|dispatch key set|Python type) mismatch(?: at index (\d+))?\.?\s*(?:expected (.*?))?(?:,? ?actual (.*?))?\.?$/;
const origin = /\s#\s(.*?)\s+#\s(\S+):(\d+) in (\S+)/;
const sizeRange = /\.(?:size\(\)\[\d+\]|stride\(\)\[\d+\])|[<>]=?|\b(?:Eq|Ne|Mod)\(/;

const causes: Readonly<Record<string, FailureCause>> = {
  size: 'size',
  stride: 'stride',
  strides: 'stride',
  dtype: 'dtype',
  rank: 'rank',
  device: 'device',
  requires_grad: 'requires_grad',
  'dispatch key set': 'dispatch keys',
  'Python type': 'type',
};

interface Finding {
  readonly cause: FailureCause;
  readonly subject: string;
  readonly axis?: number;
  readonly expected?: string;
  readonly actual?: string;
}

function tensorFinding(guard: string): Finding | undefined {
  const match = mismatch.exec(guard);
  if (match === null) return undefined;
  const [, subject, what, axis, expected, actual] = match;
  return {
    cause: causes[what!] ?? 'unknown',
    subject: shortenSource(subject!),
    ...(axis === undefined ? {} : { axis: Number(axis) }),
    ...(expected === undefined || expected === '' ? {} : { expected: expected.replace(/^\w+=(?=\S)/, '') }),
    ...(actual === undefined || actual === '' ? {} : { actual: actual.replace(/^\w+=(?=\S)/, '') }),
  };
}

function expressionFinding(guard: string): Finding {
  const length = /^len\((.+)\) != (\d+)$/.exec(guard);
  if (length !== null) {
    return { cause: 'length', subject: `len(${shortenSource(length[1]!)})`, expected: length[2]! };
  }
  if (guard.includes('check_no_aliasing') || guard.startsWith('Duplicate tensor')) {
    return { cause: 'aliasing', subject: shortenSource(guard) };
  }
  const fact = guardFacts('', guard)[0];
  const isShape = sizeRange.test(guard) && fact?.aspect !== 'identity' && fact?.aspect !== 'type';
  if (fact !== undefined && !isShape) {
    return { cause: fact.aspect, subject: fact.subject, expected: fact.value };
  }
  return {
    cause: isShape ? 'range' : 'unknown',
    subject: shortenSource(guard),
    expected: shortenSource(guard),
  };
}

function findingOf(guard: string): Finding {
  if (guard === '') return { cause: 'unknown', subject: '' };
  const tensor = tensorFinding(guard);
  if (tensor !== undefined) return tensor;
  const state = /^(?:GLOBAL_STATE changed: |___check_global_state\(\))\s*(.*)$/.exec(guard);
  if (state !== null) return { cause: 'global state', subject: state[1]!.trim() || 'global state' };
  const gone = /^Cache line invalidated because (.+?)(?: got deallocated)?$/.exec(guard);
  if (gone !== null) {
    return {
      cause: 'invalidated',
      subject: shortenSource(gone[1]!),
      expected: 'alive',
      actual: 'deallocated',
    };
  }
  return expressionFinding(guard);
}

/** One reason as data. Texts of an unknown shape keep their words as `guard` and the cause `unknown`. */
export function parseRecompileReason(text: string): RecompileReason {
  const entry = entryPrefix.exec(text)?.[1];
  const body = text.replace(entryPrefix, '');
  const firstLine = body.split('\n', 1)[0]!;
  const place = origin.exec(firstLine);
  const guard = firstLine.replace(/\s+#\s.*$/, '').trim();
  const finding = findingOf(guard);
  const hint = /\((?:HINT: )((?:[^()]|\([^()]*\))*)\)\s*$/i.exec(firstLine)?.[1];
  return {
    entry,
    cause: finding.cause,
    subject: finding.subject,
    axis: finding.axis,
    expected: finding.expected,
    actual: finding.actual,
    guard,
    code: place?.[1],
    file: place?.[2],
    line: place === null ? undefined : Number(place[3]),
    hint,
  };
}

/** The reasons in an artifact's payload: a JSON list, or one bare string. */
export function parseRecompileReasons(payload: string): RecompileReason[] {
  const text = payload.trim();
  const value = text.startsWith('[') || text.startsWith('"') ? parsePythonJson(text) : undefined;
  const texts = Array.isArray(value) ? asList(value) : [typeof value === 'string' ? value : text];
  return texts.flatMap((item) => (typeof item === 'string' ? parseRecompileReason(item) : []));
}
