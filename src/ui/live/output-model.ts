/** What a program printed, line by line and without its styles: the last lines of it, and how many there were. */
import { stripVTControlCharacters } from 'node:util';

export interface OutputLine {
  readonly stream: 'out' | 'err';
  readonly text: string;
}

export interface OutputModel {
  /** The last ones. */
  readonly lines: readonly OutputLine[];
  /** Lines that came before them and are gone. */
  readonly dropped: number;
}

export interface OutputFold {
  add(stream: OutputLine['stream'], text: string): void;
  model(): OutputModel;
}

const keptLines = 10_000;
/** A line without end is cut here. */
const longestLine = 10_000;

/** A carriage return rewrites the line: what a progress bar shows last is what counts. */
function lastVersion(text: string): string {
  const end = text.endsWith('\r') ? text.length - 1 : text.length;
  return text.slice(text.lastIndexOf('\r', end - 1) + 1, end);
}

export function createOutputFold(): OutputFold {
  const lines: OutputLine[] = [];
  let dropped = 0;
  const open = new Map<OutputLine['stream'], string>();

  function push(stream: OutputLine['stream'], text: string): void {
    lines.push({ stream, text: stripVTControlCharacters(lastVersion(text)) });
    // Twice the limit before they are dropped, so that dropping is rare.
    if (lines.length > keptLines * 2) dropped += lines.splice(0, keptLines).length;
  }

  return {
    add(stream, text) {
      const pieces = ((open.get(stream) ?? '') + text).split('\n');
      const rest = pieces.pop()!;
      for (const piece of pieces) push(stream, piece);
      open.set(stream, rest.slice(-longestLine));
    },
    model() {
      const unfinished = [...open]
        .filter(([, text]) => text !== '')
        .map(([stream, text]): OutputLine => ({ stream, text: stripVTControlCharacters(lastVersion(text)) }));
      return { lines: [...lines, ...unfinished], dropped };
    },
  };
}
