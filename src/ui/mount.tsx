/**
 * The only call of ink's render. Joins terminal, store and frames; carries out the effects that need the terminal and
 * hands the others to the caller. The screen is a canvas; `frame-writer.ts` puts the differences of its frames on screen.
 */
import { render } from 'ink';
import type { ArtifactReport } from '../explain/report.ts';
import { App } from './app.tsx';
import { createFrameWriter } from './live/frame-writer.ts';
import type { InputEvent } from './live/key-parser.ts';
import { createNullStream } from './live/null-stream.ts';
import { createPainter, type PaintedRow } from './live/paint.ts';
import { createUiStore, type UiContent } from './live/store.ts';
import { openTerminal } from './live/terminal.ts';
import type { ColorLevel } from './theme.ts';
import type { Action, Effect } from './ui-model.ts';

/** Effects that the caller carries out. */
export type OuterEffect = Exclude<Effect, { readonly kind: 'quit' | 'copy' | 'load-text' }>;

export interface MountOptions extends UiContent {
  /** How many colours the terminal has; `true`: 16. */
  readonly colors: ColorLevel;
  readonly stdout: NodeJS.WriteStream;
  readonly stdin: NodeJS.ReadStream;
  /** Carries out an effect; the text it returns is shown. For `open-editor` it has the terminal to itself. */
  onEffect(effect: OuterEffect): Promise<string | undefined>;
  /** The text of an artifact that lies in a file; undefined when it cannot be had. */
  loadText?(artifact: ArtifactReport): Promise<string | undefined>;
}

/** How the UI ended: because the user quit, or by a signal. */
export interface UiEnd {
  readonly signal?: NodeJS.Signals;
}

export interface MountedUi {
  /** Shows other content, for example of a trace that has grown. */
  update(content: Partial<UiContent>): void;
  /** Shows one line of news. */
  say(text: string): void;
  /** Settles when the UI has ended and the terminal is as it was. Rejects when drawing failed. */
  readonly done: Promise<UiEnd>;
  close(): void;
}

/** A copied text beyond this size is refused by many terminals. */
const copyLimitChars = 100_000;

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function actionsOf(event: InputEvent): Action[] {
  switch (event.kind) {
    case 'key':
      return [{ kind: 'key', key: event.key }];
    case 'paste':
      // Only the first line, letter by letter: a paste must never be a command.
      return Array.from(event.text.split(/[\r\n]/, 1)[0]!, (key): Action => ({
        kind: 'key',
        key: key === ' ' ? 'space' : key,
      }));
    case 'click':
      return [{ kind: 'click', column: event.column, row: event.row }];
    case 'wheel':
      return [{ kind: 'scroll', rows: event.rows, column: event.column, row: event.row }];
    default:
      return event satisfies never;
  }
}

/** Opens the UI. The caller has checked that both streams are terminals. */
export function mount(options: MountOptions): MountedUi {
  const { stdout, stdin, colors, onEffect, loadText, ...content } = options;
  let settle: { resolve(end: UiEnd): void; reject(error: unknown): void };
  const done = new Promise<UiEnd>((resolve, reject) => {
    settle = { resolve, reject };
  });
  let isOpen = true;
  let lastFrame: readonly PaintedRow[] | undefined;

  /** Work that must not leave the terminal in our modes when it fails. */
  function guarded(work: () => void): void {
    if (!isOpen) return;
    try {
      work();
    } catch (error) {
      end(() => settle.reject(error));
    }
  }

  function onInput(event: InputEvent): void {
    if (event.kind === 'key' && event.key === 'ctrl+z') terminal.suspend();
    else if (event.kind === 'paste' && store.snapshot().state.typing === undefined) return;
    else for (const action of actionsOf(event)) guarded(() => store.dispatch(action));
  }

  /** Where the terminal showed something else, the last frame comes back at once; where it has another size, a new one. */
  function repaint(): void {
    writer.invalidate();
    if (lastFrame !== undefined && !isResized()) writer.write(lastFrame);
    guarded(() => store.dispatch({ kind: 'resize', ...terminal.size() }));
  }

  const terminal = openTerminal(stdin, stdout, {
    onInput,
    onResize: repaint,
    onReturn: repaint,
    onEnd: (signal) => end(() => settle.resolve({ signal })),
  });
  const writer = createFrameWriter(terminal.write, () => terminal.size().width);
  const store = createUiStore(content, terminal.size, carryOut);

  function isResized(): boolean {
    const { width, height } = store.snapshot().state;
    const size = terminal.size();
    return width !== size.width || height !== size.height;
  }

  function say(text: string): void {
    guarded(() => store.dispatch({ kind: 'message', text }));
  }

  function carryOut(effect: Effect): void {
    switch (effect.kind) {
      case 'quit':
        end(() => settle.resolve({}));
        return;
      case 'copy':
        // OSC 52: the terminal puts it on the clipboard, also over ssh.
        if (effect.text.length > copyLimitChars) say('too long for the clipboard of a terminal');
        else terminal.write(`\u001b]52;c;${Buffer.from(effect.text).toString('base64')}\u0007`);
        return;
      case 'load-text': {
        const { view, artifact } = effect;
        const text = loadText?.(artifact) ?? Promise.resolve(undefined);
        void text
          .catch(() => undefined)
          .then((loaded) => guarded(() => store.dispatch({ kind: 'text', view, artifact, text: loaded })));
        return;
      }
      default: {
        const work = (): Promise<string | undefined> => onEffect(effect).catch(messageOf);
        const outcome = effect.kind === 'open-editor' ? terminal.lend(work) : work();
        void outcome.then((text) => {
          if (text !== undefined) say(text);
        });
      }
    }
  }

  function onFrame(rows: readonly PaintedRow[]): void {
    lastFrame = rows;
    if (isOpen) writer.write(rows);
  }

  const paint = createPainter(colors);
  const instance = render(<App store={store} paint={paint} onFrame={onFrame} />, {
    stdout: createNullStream(terminal.size),
    stdin,
    exitOnCtrlC: false,
    patchConsole: false,
  });
  // Settles on its own only when a component threw.
  instance.waitUntilExit().catch((error: unknown) => end(() => settle.reject(error)));

  function end(report: () => void): void {
    if (!isOpen) return;
    isOpen = false;
    terminal.close();
    instance.unmount();
    report();
  }

  return {
    update: (change) => guarded(() => store.replace(change)),
    say,
    done,
    close: () => end(() => settle.resolve({})),
  };
}
