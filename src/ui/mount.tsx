/**
 * The only call of ink's render: alternate screen, resize, signals, suspension, and the terminal put back as it was
 * however the UI ends. Effects that touch the outside are carried out here, through what the caller allows.
 */
import { render } from 'ink';
import type { Report } from '../explain/report.ts';
import { App } from './app.tsx';
import { themeFor } from './theme.ts';
import type { Action, Effect } from './ui-state.ts';
import { views as allViews } from './views/index.ts';
import type { View } from './define-view.ts';

const enterAlternateScreen = '\u001b[?1049h\u001b[?25l';
const leaveAlternateScreen = '\u001b[?25h\u001b[?1049l';

export interface MountOptions {
  readonly report: Report;
  readonly status?: string;
  readonly views?: readonly View[];
  readonly hasColor: boolean;
  readonly stdout: NodeJS.WriteStream;
  readonly stdin: NodeJS.ReadStream;
  /** Carries out an effect other than quit and copy; the text it returns is shown. Runs with the terminal given back. */
  onEffect(effect: Effect): Promise<string | undefined>;
}

export interface MountedUi {
  /** Shows another report, for example of a trace that has grown. */
  update(report: Report, status: string): void;
  /** Settles when the user quits. */
  readonly done: Promise<void>;
  close(): void;
}

/** Opens the UI. The caller has checked that both streams are terminals. */
export function mount(options: MountOptions): MountedUi {
  const { stdout, stdin } = options;
  let dispatch: (action: Action) => void = () => {};
  let isOpen = true;
  const restore = (): void => {
    if (!isOpen) return;
    isOpen = false;
    stdout.write(leaveAlternateScreen);
  };

  const onEffect = (effect: Effect): void => {
    if (effect.kind === 'quit') {
      close();
      return;
    }
    if (effect.kind === 'copy') {
      // OSC 52: the terminal puts it on the clipboard, also over ssh.
      stdout.write(`\u001b]52;c;${Buffer.from(effect.text).toString('base64')}\u0007`);
      return;
    }
    const isInTerminal = effect.kind === 'open-editor';
    if (isInTerminal) {
      stdout.write(leaveAlternateScreen);
      stdin.setRawMode(false);
    }
    void options
      .onEffect(effect)
      .catch((error: unknown) => (error instanceof Error ? error.message : String(error)))
      .then((text) => {
        if (isInTerminal) {
          stdin.setRawMode(true);
          stdout.write(enterAlternateScreen);
        }
        if (text !== undefined) dispatch({ kind: 'message', text });
        else dispatch({ kind: 'resize', width: stdout.columns, height: stdout.rows - 1 });
      });
  };

  const element = (report: Report, status: string): React.ReactElement => (
    <App
      report={report}
      status={status}
      views={options.views ?? allViews}
      theme={themeFor(options.hasColor)}
      onEffect={onEffect}
      onDispatch={(next) => {
        dispatch = next;
      }}
    />
  );

  stdout.write(enterAlternateScreen);
  const instance = render(element(options.report, options.status ?? ''), {
    stdout,
    stdin,
    exitOnCtrlC: false,
    patchConsole: false,
    maxFps: 60,
  });
  const onSignal = (): void => {
    close();
    process.exitCode = 130;
  };
  const onContinue = (): void => {
    stdin.setRawMode(true);
    stdout.write(enterAlternateScreen);
    dispatch({ kind: 'resize', width: stdout.columns, height: stdout.rows - 1 });
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGHUP', onSignal);
  process.on('SIGCONT', onContinue);
  process.on('exit', restore);
  const done = instance.waitUntilExit().then(() => {
    process.off('SIGTERM', onSignal);
    process.off('SIGHUP', onSignal);
    process.off('SIGCONT', onContinue);
    process.off('exit', restore);
    restore();
  });
  function close(): void {
    instance.unmount();
    restore();
  }
  return { update: (report, status) => instance.rerender(element(report, status)), done, close };
}
