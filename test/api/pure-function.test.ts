import { describe, expect, it } from 'vitest';
import { checkCaptures, type CaptureKind } from '../../src/replay/check-captures.ts';
import { inspectFunction } from '../../src/replay/pure-function.ts';

/** Nothing here is ever called: only the text counts. */
declare const tf: Record<string, (...inputs: unknown[]) => { mul(x: unknown): unknown; sum(): unknown }>;
declare const w: { mul(...x: unknown[]): unknown; cached: unknown; trainable: boolean };
declare let counter: number;
type Any = { mul(x: unknown): Any; id: number; shape: number[]; cached: unknown; [key: string]: unknown };

describe('inspectFunction', () => {
  it.each<[string, (...inputs: never[]) => unknown, string[]]>([
    ['arguments only', (x: Any) => x.mul(2), []],
    ['names around it, with the way to what is used', (x: Any) => tf['relu']!(w.mul(x)), ['tf', 'w.mul()']],
    ['members of names', (x: Any) => w.mul(x, w.cached), ['w.mul()', 'w.cached']],
    [
      'locals, loops, patterns and inner functions',
      ({ a, b = 2 }: { a: Any; b?: number }, [c, ...rest]: number[]) => {
        let total = b + c!;
        for (const item of rest) total += item;
        for (let index = 0; index < 3; index++) total *= index;
        const twice = (value: number): number => value * 2;
        const { length } = rest;
        [total] = [total + length];
        return a.mul(twice(total));
      },
      [],
    ],
    ['pure globals', (x: Any) => x.mul(Math.max(...x.shape, Number('3'), Infinity)), []],
    [
      'a function expression that calls itself',
      function self(x: Any, depth: number): Any {
        return depth === 0 ? x : self(x.mul(2), depth - 1);
      },
      [],
    ],
    ['a name that is shadowed only inside', (x: Any) => [1].map((w) => x.mul(w)).concat(w as never), ['w']],
  ])('shows %s', (_, source, expected) => {
    const purity = inspectFunction(source);
    expect(purity.isShown).toBe(true);
    const uses = purity.isShown ? purity.uses : [];
    const words = uses.map(({ name, path, isCalled }) => {
      const text = [name, ...path.filter((part) => part !== '[...]')].join('.');
      return isCalled && path[0] !== '[...]' ? `${text}()` : text;
    });
    expect(words).toEqual(expected);
  });

  it.each<[string, (...inputs: never[]) => unknown, string]>([
    ['an assignment to a name around it', (x: Any) => ((counter += 1), x.mul(counter)), 'assigns to counter'],
    ['an update of a name around it', (x: Any) => (counter++, x.mul(counter)), 'assigns to counter'],
    ['an assignment to a property', (x: Any) => ((w.cached = x), x), 'assigns to a property'],
    ['an assignment to a property of an argument', (x: Any) => ((x.cached = 1), x), 'assigns to a property'],
    ['a deletion', (x: Any) => (delete x['cached'], x), 'deletes a property'],
    ['random numbers', (x: Any) => x.mul(Math.random()), 'uses Math.random'],
    ['the identity of a tensor', (x: Any) => x.mul(x.id), 'reads .id'],
    ['what can be set on a variable', (x: Any) => x.mul(Number(w['trainable'])), 'reads .trainable'],
    // oxlint-disable-next-line typescript/require-await -- the word counts
    ['waiting', async (x: Any) => x, 'is asynchronous'],
    [
      'a generator',
      function* (x: Any) {
        yield x;
      },
      'is a generator',
    ],
    [
      '`this`',
      function (this: Any, x: Any) {
        return this.mul(x);
      },
      'uses `this`',
    ],
    ['a native function', Math.max, 'its text cannot be read'],
    ['a bound function', Math.max.bind(undefined, 1), 'its text cannot be read'],
  ])('shows nothing for %s', (_, source, reason) => {
    const purity = inspectFunction(source);
    expect(purity.isShown).toBe(false);
    expect(purity.isShown ? '' : purity.reason).toContain(reason);
  });

  it('reads methods of classes and records', () => {
    const record = {
      double(x: Any): Any {
        return x.mul(2);
      },
    };
    expect(inspectFunction(record.double)).toEqual({ isShown: true, uses: [] });
  });
});

describe('checkCaptures', () => {
  const op = Object.defineProperty(() => 1, 'name', { value: 'relu__op' });
  const captures = {
    tf: { relu: op, memory: () => 0, linalg: { qr: op } },
    list: [1],
    model: {},
    other: new Map(),
  };
  const kinds: readonly (readonly [unknown, CaptureKind])[] = [
    [captures.tf, 'tfjs'],
    [captures.model, 'model'],
    [captures.other, 'other'],
  ];
  const kindOf = (value: unknown): CaptureKind => kinds.find(([known]) => known === value)?.[1] ?? 'value';
  const check = (name: string, path: string[], isCalled: boolean): string | undefined =>
    checkCaptures([{ name, path, isCalled }], captures, kindOf);

  it.each<[string, string[], boolean]>([
    ['tf', ['relu'], true],
    ['tf', ['relu'], false],
    ['tf', ['linalg', 'qr'], true],
    ['tf', ['tidy'], true],
    ['list', ['map'], true],
    ['list', ['[...]'], false],
    ['model', ['predict'], true],
  ])('allows %s %j, called: %s', (...use) => {
    expect(check(...use)).toBeUndefined();
  });

  it.each<[string, string[], boolean, string]>([
    ['tf', [], false, 'which is no op'],
    ['tf', ['memory'], true, 'which is no op'],
    ['tf', ['tidy'], false, 'which is no op'],
    ['tf', ['linalg'], false, 'which is no op'],
    ['list', ['push'], true, 'it calls list.push'],
    ['model', ['fit'], true, 'may change the model'],
    ['model', [], false, 'may change the model'],
    ['other', ['get'], true, 'can change unseen'],
    ['toString', [], false, 'does not give'],
  ])('refuses %s %j, called: %s: %s', (name, path, isCalled, reason) => {
    expect(check(name, path, isCalled)).toContain(reason);
  });
});
