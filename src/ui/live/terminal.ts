/**
 * The real terminal: alternate screen, raw input, signals and suspension, and everything put back as it was however the
 * UI ends. Modes set here and nowhere else.
 */
import { StringDecoder } from 'node:string_decoder';
import { createKeyParser, type InputEvent } from './key-parser.ts';
import type { Size } from './store.ts';

export interface TerminalEvents {
  onInput(event: InputEvent): void;
  onResize(): void;
  /** The screen may show something else: draw all of it again. */
  onReturn(): void;
  /** The terminal is gone, or somebody wants us gone. */
  onEnd(signal: NodeJS.Signals): void;
}

export interface Terminal {
  size(): Size;
  write(text: string): void;
  /** Gives the terminal to another program until the promise settles. */
  lend<T>(work: () => Promise<T>): Promise<T>;
  /** Stops the process group, as Ctrl-Z does for programs that leave it to the terminal. */
  suspend(): void;
  /** Puts the terminal back and stops listening. */
  close(): void;
}

/** Alternate screen, hidden cursor, no wrapping at the right edge, bracketed paste, clicks and wheel in SGR form. */
const enterSequence = '\u001b[?1049h\u001b[?25l\u001b[?7l\u001b[?2004h\u001b[?1000h\u001b[?1006h';
const leaveSequence = '\u001b[?1006l\u001b[?1000l\u001b[?2004l\u001b[?7h\u001b[0m\u001b[?25h\u001b[?1049l';

/** After this time a lone Escape byte is the key. */
const escapeDelayMs = 30;
/** A process group that nobody can continue is not stopped by the kernel: then we go on at once. */
const stopGraceMs = 100;
/** Windows has no job control. */
const canSuspend = process.platform !== 'win32';
const endSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Takes the terminal. The caller has checked that both streams are terminals. */
export function openTerminal(
  stdin: NodeJS.ReadStream,
  stdout: NodeJS.WriteStream,
  events: TerminalEvents,
): Terminal {
  const parser = createKeyParser();
  const decoder = new StringDecoder('utf8');
  let escapeTimer: NodeJS.Timeout | undefined;
  let isOurs = false;
  let isClosed = false;
  /** Another program has the terminal, and its Ctrl-C and Ctrl-Z reach us as well. */
  let isLent = false;

  function onData(bytes: Buffer): void {
    clearTimeout(escapeTimer);
    for (const event of parser.push(decoder.write(bytes))) events.onInput(event);
    if (!parser.isPending) return;
    escapeTimer = setTimeout(() => {
      for (const event of parser.flush()) events.onInput(event);
    }, escapeDelayMs);
  }

  /** A terminal that was closed takes no modes any more. */
  function setRawMode(isRaw: boolean): void {
    try {
      stdin.setRawMode(isRaw);
    } catch (error) {
      if (isRaw) throw error;
    }
  }

  function take(): void {
    if (isOurs || isClosed) return;
    isOurs = true;
    setRawMode(true);
    stdout.write(enterSequence);
    stdin.on('data', onData);
    stdin.resume();
  }

  function release(): void {
    if (!isOurs) return;
    isOurs = false;
    clearTimeout(escapeTimer);
    stdin.off('data', onData);
    stdin.pause();
    stdout.write(leaveSequence);
    setRawMode(false);
  }

  function returnTo(): void {
    if (isOurs || isClosed || isLent) return;
    take();
    events.onReturn();
    // Who is stopped is not told of a new size; Node looks again when it is told. A size that is the same is no event.
    if (canSuspend) process.kill(process.pid, 'SIGWINCH');
  }

  const onContinue = (): void => {
    // Another program may have used the terminal meanwhile, also after a stop that we did not see coming.
    release();
    returnTo();
  };
  const onExit = (): void => release();
  const onEnd = (signal: NodeJS.Signals): void => {
    if (!isClosed && !(isLent && signal === 'SIGINT')) events.onEnd(signal);
  };
  const onHangUp = (): void => events.onEnd('SIGHUP');
  const onResize = (): void => events.onResize();
  const suspend = (): void => {
    if (!canSuspend) return;
    release();
    process.removeListener('SIGTSTP', suspend);
    process.kill(0, 'SIGTSTP');
    setTimeout(() => {
      process.on('SIGTSTP', suspend);
      returnTo();
    }, stopGraceMs);
  };

  process.on('exit', onExit);
  process.on('SIGCONT', onContinue);
  if (canSuspend) process.on('SIGTSTP', suspend);
  for (const signal of endSignals) process.on(signal, onEnd);
  stdout.on('resize', onResize);
  stdin.on('end', onHangUp);
  stdin.on('error', onHangUp);
  take();

  return {
    size: () => ({ width: stdout.columns || 80, height: stdout.rows || 24 }),
    write(text) {
      if (isOurs) stdout.write(text);
    },
    async lend(work) {
      isLent = true;
      release();
      try {
        return await work();
      } finally {
        // A Ctrl-C that was meant for it may stand in line behind the news of its end.
        await new Promise((done) => setImmediate(done));
        isLent = false;
        returnTo();
      }
    },
    suspend,
    close() {
      release();
      isClosed = true;
      process.off('exit', onExit);
      process.off('SIGCONT', onContinue);
      process.off('SIGTSTP', suspend);
      // Ink's own exit hook, called behind us for the same signal, kills the process unless it sees another listener.
      setImmediate(() => {
        for (const signal of endSignals) process.off(signal, onEnd);
      });
      stdout.off('resize', onResize);
      stdin.off('end', onHangUp);
      stdin.off('error', onHangUp);
    },
  };
}
