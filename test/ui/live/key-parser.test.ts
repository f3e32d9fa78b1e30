import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createKeyParser, type InputEvent } from '../../../src/ui/live/key-parser.ts';

const key = (name: string): InputEvent => ({ kind: 'key', key: name });

function parse(...pieces: string[]): InputEvent[] {
  const parser = createKeyParser();
  return [...pieces.flatMap((piece) => parser.push(piece)), ...parser.flush()];
}

describe('keys of a terminal', () => {
  test.each([
    ['letters', 'jG', ['j', 'G']],
    ['an emoji as one key', '🙂', ['🙂']],
    ['control letters', '\u0003\u0006\u001a', ['ctrl+c', 'ctrl+f', 'ctrl+z']],
    ['enter, tab, blank, backspace', '\r\t \u007f', ['return', 'tab', 'space', 'backspace']],
    ['arrows in both modes', '\u001b[A\u001bOB\u001b[1;5C', ['up', 'down', 'right']],
    ['page keys, home, end', '\u001b[5~\u001b[6~\u001b[H\u001b[4~', ['pageup', 'pagedown', 'home', 'end']],
    ['shift+tab', '\u001b[Z', ['shift+tab']],
    ['a lone escape', '\u001b', ['escape']],
    ['escape twice', '\u001b\u001b', ['escape', 'escape']],
    ['alt and a letter', '\u001bx', ['alt+x']],
    ['nothing for a reply of the terminal', '\u001b[?1;2c', []],
  ])('are read: %s', (_title, bytes, names) => {
    expect(parse(bytes)).toEqual(names.map(key));
  });

  test('may be split anywhere', () => {
    const bytes = 'a\u001b[<64;10;5M\u001b[1;5Bé\u001bOA\u001b[200~x\u001b[A\u001b[201~z';
    const whole = parse(bytes);
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 6 }), (cuts) => {
        const places = [...cuts, 0, bytes.length].sort((left, right) => left - right);
        const pieces = places.slice(1).map((end, index) => bytes.slice(places[index], end));
        expect(parse(...pieces)).toEqual(whole);
      }),
    );
  });

  test('know clicks and the wheel, in cells from 0', () => {
    expect(parse('\u001b[<0;3;7M\u001b[<0;3;7m\u001b[<65;1;2M')).toEqual([
      { kind: 'click', column: 2, row: 6 },
      { kind: 'wheel', column: 0, row: 1, rows: 3 },
    ]);
  });

  test('that are pasted stay text', () => {
    expect(parse('\u001b[200~q\u001b[A\u001b[201~q')).toEqual([
      { kind: 'paste', text: 'q\u001b[A' },
      key('q'),
    ]);
  });

  test('never get lost in a sequence without end, and nothing throws', () => {
    expect(parse(`\u001b[${'1'.repeat(100)}`)[0]).toEqual(key('escape'));
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), (pieces) => {
        const parser = createKeyParser();
        for (const piece of pieces) parser.push(piece);
        parser.flush();
      }),
    );
  });
});
