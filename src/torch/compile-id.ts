/**
 * Compile ids: which code object (`frame`), which compilation of it (`frameCompile`), which attempt, under which
 * compiled-autograd graph. Written like torch and tlparse do: `[0/1_2]`, `[!3/0/1]`.
 */
import { asFields, asNumber, type Fields } from './json.ts';

export interface CompileId {
  readonly compiledAutograd?: number;
  readonly frame?: number;
  readonly frameCompile?: number;
}

/** Envelope fields of a record that are not about its kind. */
const reserved: ReadonlySet<string> = new Set([
  'rank',
  'compiled_autograd_id',
  'frame_id',
  'frame_compile_id',
  'attempt',
  'has_payload',
  'stack',
  'severity',
  'timestamp',
  'pathname',
  'thread',
  'process',
  'lineno',
]);

/** A record's envelope: where it belongs, and the one key that says what it is. */
export interface Envelope {
  readonly rank?: number;
  readonly id: CompileId;
  /** Absent in runtime records, which belong to attempt 0. */
  readonly attempt: number;
  /** The one key that is not part of the envelope; `undefined` when there is none. */
  readonly kind: string | undefined;
  readonly body: unknown;
  /** Further keys that are neither: new fields of the envelope, or damage. */
  readonly extra: readonly string[];
}

/** Splits a header's JSON. `isKnown` decides between several candidate kinds. */
export function parseEnvelope(json: Fields, isKnown: (kind: string) => boolean): Envelope {
  const keys = Object.keys(json).filter((key) => !reserved.has(key));
  const kind = keys.length > 1 ? (keys.find(isKnown) ?? keys[0]) : keys[0];
  const rank = asNumber(json['rank']);
  const compiledAutograd = asNumber(json['compiled_autograd_id']);
  const frame = asNumber(json['frame_id']);
  const frameCompile = asNumber(json['frame_compile_id']);
  return {
    ...(rank === undefined ? {} : { rank }),
    id: {
      ...(compiledAutograd === undefined ? {} : { compiledAutograd }),
      ...(frame === undefined ? {} : { frame }),
      ...(frameCompile === undefined ? {} : { frameCompile }),
    },
    attempt: asNumber(json['attempt']) ?? 0,
    kind,
    body: kind === undefined ? undefined : json[kind],
    extra: keys.filter((key) => key !== kind),
  };
}

/** Whether the record belongs to a compilation at all. */
export function isCompileId(id: CompileId): boolean {
  return id.frameCompile !== undefined || id.compiledAutograd !== undefined;
}

/** Torch's own form without brackets: `0/1`, `!2/0/1`, `!2`, `-/-`. */
export function formatCompileId(id: CompileId): string {
  const prefix = id.compiledAutograd === undefined ? '' : `!${id.compiledAutograd}`;
  if (prefix !== '' && id.frame === undefined && id.frameCompile === undefined) return prefix;
  const frame = `${id.frame ?? '-'}/${id.frameCompile ?? '-'}`;
  return prefix === '' ? frame : `${prefix}/${frame}`;
}

/** With brackets and the attempt, as tlparse shows it: `[0/1_2]`. */
export function formatAttempt(id: CompileId, attempt: number): string {
  return `[${formatCompileId(id)}${attempt > 0 ? `_${attempt}` : ''}]`;
}

/** The code object of a compile id: all compilations of one function share it. */
export function formatCodeId(id: CompileId): string {
  const prefix = id.compiledAutograd === undefined ? '' : `!${id.compiledAutograd}/`;
  return `${prefix}${id.frame ?? '-'}`;
}

/** A field of a kind's body. */
export function field(body: unknown, name: string): unknown {
  return asFields(body)?.[name];
}
