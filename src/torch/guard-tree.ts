/**
 * Dynamo's guard tree, the text of `dynamo_cpp_guards_str`, in; a compact table of guarded facts out, so that two
 * compilations of one function can be compared fact by fact, not only by the first guard that failed. Texts are
 * interned per trace: neighbouring compilations share nearly all of them.
 */
import { asFields, asKey, parsePythonJson } from './json.ts';

/** Text to small integer and back. */
export class Interner {
  readonly #ids = new Map<string, number>();
  readonly #texts: string[] = [];

  id(text: string): number {
    const known = this.#ids.get(text);
    if (known !== undefined) return known;
    // A copy of its own: a slice would keep the whole guard tree it was cut from alive.
    const own = Buffer.from(text, 'utf8').toString('utf8');
    this.#ids.set(own, this.#texts.length);
    return this.#texts.push(own) - 1;
  }

  /** The id of a text that is known already. */
  find(text: string): number | undefined {
    return this.#ids.get(text);
  }

  text(id: number): string {
    return this.#texts[id] ?? '';
  }
}

/** What one guard demands: of what, which value. */
export interface GuardFact {
  /** Expression as Dynamo shows it to users: `x`, `self.mode`, `len(d)`. */
  readonly subject: string;
  readonly aspect: GuardAspect;
  readonly value: string;
}

export type GuardAspect =
  | 'value'
  | 'identity'
  | 'type'
  | 'length'
  | 'contains'
  | 'global state'
  | 'dtype'
  | 'size'
  | 'stride'
  | 'requires_grad'
  | 'device'
  | 'dispatch keys';

/** The guards of one compilation. */
export interface GuardTable {
  /** Alternating ids of `aspect subject` and value. */
  readonly facts: Int32Array;
  /** Guards in the tree. */
  readonly count: number;
  readonly latencyUs: number | undefined;
}

const leaf = /^[|\s]*\+- ([A-Z][A-Z_0-9]*): (.*)$/;
const latency = /Guard latency = ([\d.]+) us/;
const userCode = /\s{2,}# .*$/;
const identity = /^___check_obj_id\((.+), (\d+)\)/;
const typeIdentity = /^___check_type_id\((.+), (\d+)\)(?:, type=(<.*>))?/;
const tensor =
  /^check_tensor\((.+?), (?:Tensor|Parameter|[\w.]+), (DispatchKeySet\([^)]*\)), (?:torch\.)?(\w+), (.*)\)$/;
const contains = /^(not )?___dict_contains\((.+?), (.+)\)$|^(not )?(.+?) in (.+)$/;
const comparison = /^(.+?) (?:==|is) (.+)$/;
/** Other objects of the program: `a is b` says how they are shared, which follows from what was traced. */
const otherObject = /^(?:[LG]\[|___|type\()/;
const isEmpty = /^not ([^\s(]+)$/;

/** `L['self'].mode` to `self.mode`: the way Dynamo itself shortens names for users. */
export function shortenSource(source: string): string {
  return source.replace(/\bL\['([A-Za-z_]\w*)'\]/g, '$1');
}

function tensorFacts(match: RegExpExecArray): GuardFact[] {
  const [, source, keys, dtype, rest] = match;
  const subject = shortenSource(source!);
  const facts: GuardFact[] = [
    { subject, aspect: 'dtype', value: dtype! },
    { subject, aspect: 'dispatch keys', value: keys! },
  ];
  for (const aspect of ['size', 'stride', 'device', 'requires_grad'] as const) {
    const value = new RegExp(`${aspect}=(\\[[^\\]]*\\]|[^,\\s)]+)`).exec(rest!)?.[1];
    if (value !== undefined) facts.push({ subject, aspect, value });
  }
  return facts;
}

function globalStateFacts(text: string): GuardFact[] {
  const state = asFields(parsePythonJson(text.slice(text.indexOf('{'))));
  return Object.entries(state ?? {}).map(([subject, value]) => ({
    subject,
    aspect: 'global state',
    value: asKey(value) ?? JSON.stringify(value),
  }));
}

/** The facts of one guard's expression; empty for guards that cannot be compared by value. */
export function guardFacts(kind: string, expression: string): GuardFact[] {
  const text = expression.replace(userCode, '').trim();
  if (kind === 'GLOBAL_STATE') return text.includes('{') ? globalStateFacts(text) : [];
  const checked = tensor.exec(text);
  if (checked !== null) return tensorFacts(checked);
  const object = identity.exec(text);
  if (object !== null) return [{ subject: shortenSource(object[1]!), aspect: 'identity', value: object[2]! }];
  const type = typeIdentity.exec(text);
  if (type !== null) {
    return [{ subject: shortenSource(type[1]!), aspect: 'type', value: type[3] ?? type[2]! }];
  }
  if (/^(?:not )?hasattr\(|^___dict_version\(/.test(text)) return [];
  const equal = comparison.exec(text);
  if (equal !== null) {
    if (otherObject.test(equal[2]!)) return [];
    const subject = shortenSource(equal[1]!);
    return [{ subject, aspect: subject.startsWith('len(') ? 'length' : 'value', value: equal[2]! }];
  }
  const empty = isEmpty.exec(text);
  if (empty !== null) return [{ subject: `len(${shortenSource(empty[1]!)})`, aspect: 'length', value: '0' }];
  const member = contains.exec(text);
  if (member !== null) {
    const [key, holder] = [member[2] ?? member[5]!, member[3] ?? member[6]!];
    const isAbsent = (member[1] ?? member[4]) !== undefined;
    const subject = `${shortenSource(key)} in ${shortenSource(holder)}`;
    return [{ subject, aspect: 'contains', value: isAbsent ? 'False' : 'True' }];
  }
  return [];
}

/** The table of a tree's text. Lines that are no guards are passed over. */
export function parseGuardTree(text: string, interner: Interner): GuardTable {
  const facts: number[] = [];
  let count = 0;
  for (const line of text.split('\n')) {
    const match = leaf.exec(line);
    if (match === null) continue;
    count++;
    for (const fact of guardFacts(match[1]!, match[2]!)) {
      facts.push(interner.id(`${fact.aspect}\0${fact.subject}`), interner.id(fact.value));
    }
  }
  const time = latency.exec(text)?.[1];
  return { facts: Int32Array.from(facts), count, latencyUs: time === undefined ? undefined : Number(time) };
}

/** The value that a table demands of a subject, if it does. */
export function guardedValue(
  table: GuardTable,
  aspect: GuardAspect,
  subject: string,
  interner: Interner,
): string | undefined {
  const key = interner.find(`${aspect}\0${subject}`);
  if (key === undefined) return undefined;
  for (let index = 0; index < table.facts.length; index += 2) {
    if (table.facts[index] === key) return interner.text(table.facts[index + 1]!);
  }
  return undefined;
}

/** A fact that two compilations guard on with different values. */
export interface FactDifference {
  readonly subject: string;
  readonly aspect: GuardAspect;
  readonly expected: string;
  readonly actual: string;
}

/** Every fact that both tables guard on with different values, in the order of the newer one. */
export function compareGuards(
  expected: GuardTable,
  actual: GuardTable,
  interner: Interner,
): FactDifference[] {
  const before = new Map<number, number>();
  for (let index = 0; index < expected.facts.length; index += 2) {
    before.set(expected.facts[index]!, expected.facts[index + 1]!);
  }
  const differences: FactDifference[] = [];
  const seen = new Set<number>();
  for (let index = 0; index < actual.facts.length; index += 2) {
    const key = actual.facts[index]!;
    const old = before.get(key);
    if (old === undefined || old === actual.facts[index + 1] || seen.has(key)) continue;
    seen.add(key);
    const [aspect, subject] = interner.text(key).split('\0');
    differences.push({
      subject: subject!,
      aspect: aspect as GuardAspect,
      expected: interner.text(old),
      actual: interner.text(actual.facts[index + 1]!),
    });
  }
  return differences;
}
