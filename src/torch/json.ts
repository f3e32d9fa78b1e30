/**
 * JSON as Python's `json.dumps` writes it: `NaN` and `Infinity` are bare words, and integers have no upper bound.
 * Native `JSON.parse` is tried first; only texts that need it pay for the second look.
 */

/** A word that native JSON does not know, or an integer that a double may not hold. */
const suspicious = /NaN|Infinity|\d{16}/;

/** One token at a time, so that digits and words inside strings are left alone. */
const token = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|-?Infinity|NaN/g;

function replaceToken(text: string): string {
  const first = text.charCodeAt(0);
  if (first === 0x22) return text;
  if (text.endsWith('NaN') || text.endsWith('Infinity')) return `"${text}"`;
  if (text.length < 16 || !/^-?\d+$/.test(text)) return text;
  return Number.isSafeInteger(Number(text)) ? text : `"${text}"`;
}

/**
 * The value of a JSON text. Integers beyond 2^53 and the words NaN, Infinity and -Infinity become strings, exact and
 * readable, because ids are compared and shown, never computed with. `undefined` for anything that is not JSON.
 */
export function parsePythonJson(text: string): unknown {
  try {
    return JSON.parse(suspicious.test(text) ? text.replace(token, replaceToken) : text) as unknown;
  } catch {
    return undefined;
  }
}

/** A JSON object's fields; `undefined` for other values. */
export type Fields = Readonly<Record<string, unknown>>;

/** The value as an object with fields, or `undefined`. */
export function asFields(value: unknown): Fields | undefined {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Fields) : undefined;
}

/** The value as a list; empty for other values. */
export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

/** The value as a non-empty string, or `undefined`. */
export function asText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The value as a finite number, or `undefined`. */
export function asNumber(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** A number or an exact integer kept as text, as a key: ids are compared, never computed with. */
export function asKey(value: unknown): string | undefined {
  return typeof value === 'number' || typeof value === 'string' ? String(value) : undefined;
}
