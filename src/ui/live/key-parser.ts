/**
 * Bytes of a terminal → keys, typed text, clicks, wheel. Sequences may be split over reads, and a lone Escape looks like
 * the start of one: what is incomplete waits for the next read or for `flush`. Forms: ECMA-48 control sequences, xterm's
 * SS3 and `~` keys, SGR mouse (1006), bracketed paste (2004).
 */

export type InputEvent =
  /** Names as in `keymap.ts`: `up`, `ctrl+f`, `shift+tab`, `G`. */
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'paste'; readonly text: string }
  /** Cells from 0. */
  | { readonly kind: 'click'; readonly column: number; readonly row: number }
  | { readonly kind: 'wheel'; readonly column: number; readonly row: number; readonly rows: number };

export interface KeyParser {
  push(text: string): InputEvent[];
  /** Nothing followed: what waits is taken as it is, a lone Escape as the key. */
  flush(): InputEvent[];
  readonly isPending: boolean;
}

const escape = '\u001b';
const pasteStart = `${escape}[200~`;
const pasteEnd = `${escape}[201~`;
/** Rows per notch of the wheel. */
const wheelRows = 3;
/** Longest control sequence that is waited for. */
const longestSequence = 64;

const letterKeys: Readonly<Record<string, string>> = {
  A: 'up',
  B: 'down',
  C: 'right',
  D: 'left',
  H: 'home',
  F: 'end',
  Z: 'shift+tab',
};

const tildeKeys: Readonly<Record<string, string>> = {
  1: 'home',
  3: 'backspace',
  4: 'end',
  5: 'pageup',
  6: 'pagedown',
  7: 'home',
  8: 'end',
};

function key(name: string): InputEvent {
  return { kind: 'key', key: name };
}

/** One character that starts no sequence. */
function plainKey(character: string): InputEvent {
  const code = character.codePointAt(0)!;
  if (character === '\r' || character === '\n') return key('return');
  if (character === '\t') return key('tab');
  if (character === ' ') return key('space');
  if (character === '\b' || code === 0x7f) return key('backspace');
  if (code === 0) return key('ctrl+space');
  if (code < 0x20) return key(`ctrl+${String.fromCodePoint(code + 0x60)}`);
  return key(character);
}

/** Button 0 pressed is a click, 64 and 65 are the wheel; releases, drags and other buttons mean nothing. */
function mouseEvent(parameters: string, final: string): InputEvent[] {
  const [button = 0, column = 1, row = 1] = parameters.slice(1).split(';').map(Number);
  const place = { column: column - 1, row: row - 1 };
  if (button === 64) return [{ kind: 'wheel', ...place, rows: -wheelRows }];
  if (button === 65) return [{ kind: 'wheel', ...place, rows: wheelRows }];
  return button === 0 && final === 'M' ? [{ kind: 'click', ...place }] : [];
}

function sequenceEvents(parameters: string, final: string): InputEvent[] {
  if (parameters.startsWith('<') && (final === 'M' || final === 'm')) return mouseEvent(parameters, final);
  const name = final === '~' ? tildeKeys[parameters.split(';')[0]!] : letterKeys[final];
  return name === undefined ? [] : [key(name)];
}

/** What follows Escape and a bracket. */
const controlSequence = /^([0-?]*)[ -/]*([@-~])/;

/** Event and length of the sequence at the start of a text; undefined while it may still go on. */
function readSequence(text: string): { readonly events: InputEvent[]; readonly length: number } | undefined {
  const kind = text[1];
  if (kind === undefined) return undefined;
  if (kind === escape) return { events: [key('escape')], length: 1 };
  if (kind === 'O') {
    const letter = text[2];
    if (letter === undefined) return undefined;
    const name = letterKeys[letter];
    return { events: name === undefined ? [] : [key(name)], length: 3 };
  }
  if (kind !== '[') {
    const character = String.fromCodePoint(text.codePointAt(1)!);
    return { events: [key(`alt+${character}`)], length: 1 + character.length };
  }
  const match = controlSequence.exec(text.slice(2, longestSequence));
  if (match !== null) return { events: sequenceEvents(match[1]!, match[2]!), length: 2 + match[0].length };
  return text.length < longestSequence ? undefined : { events: [key('escape')], length: 1 };
}

/** A parser for one terminal. */
export function createKeyParser(): KeyParser {
  let waiting = '';
  let isPasting = false;

  function push(text: string): InputEvent[] {
    waiting += text;
    const events: InputEvent[] = [];
    while (waiting !== '') {
      if (isPasting) {
        const end = waiting.indexOf(pasteEnd);
        if (end < 0) break;
        events.push({ kind: 'paste', text: waiting.slice(0, end) });
        waiting = waiting.slice(end + pasteEnd.length);
        isPasting = false;
      } else if (waiting.startsWith(pasteStart)) {
        waiting = waiting.slice(pasteStart.length);
        isPasting = true;
      } else if (waiting.startsWith(escape)) {
        const read = readSequence(waiting);
        if (read === undefined) break;
        events.push(...read.events);
        waiting = waiting.slice(read.length);
      } else {
        const character = String.fromCodePoint(waiting.codePointAt(0)!);
        events.push(plainKey(character));
        waiting = waiting.slice(character.length);
      }
    }
    return events;
  }

  return {
    push,
    flush() {
      if (isPasting || waiting === '') return [];
      const rest = waiting.slice(1);
      waiting = '';
      return [key('escape'), ...push(rest)];
    },
    get isPending() {
      return waiting !== '' && !isPasting;
    },
  };
}
