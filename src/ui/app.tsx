/** The root component: keys in, lines out. All decisions are made in `ui-state.ts` and `screen.ts`. */
import { useInput, useStdout } from 'ink';
import { useEffect, useMemo, useReducer, type ReactElement } from 'react';
import type { Report } from '../explain/report.ts';
import { LinesView } from './components/lines-view.tsx';
import type { View } from './define-view.ts';
import { keyName } from './keymap.ts';
import { screenOf } from './screen.ts';
import { createSource } from './source.ts';
import type { Theme } from './theme.ts';
import { initialState, reduceUi, type Action, type Effect, type UiState } from './ui-state.ts';

export interface AppProps {
  readonly report: Report;
  readonly views: readonly View[];
  readonly theme: Theme;
  /** What the trace is doing, for the footer. */
  readonly status: string;
  onEffect(effect: Effect): void;
  /** Lets the owner send actions, such as the outcome of an effect. */
  onDispatch?(dispatch: (action: Action) => void): void;
}

/** Ink clears the whole screen when output is as high as the terminal; one line less lets it update in place. */
const spareLines = 1;

export function App({ report, views, theme, status, onEffect, onDispatch }: AppProps): ReactElement {
  const { stdout } = useStdout();
  const size = (): { width: number; height: number } => ({
    width: stdout.columns || 80,
    height: (stdout.rows || 24) - spareLines,
  });
  const source = useMemo(() => createSource(report, views, status, size), [report, views, status]);
  const reducer = (state: UiState, action: Action): UiState => {
    const step = reduceUi(state, action, source);
    // Reducers may run twice; effects are told apart from rendering and happen once, after it.
    if (step.effects.length > 0) queueMicrotask(() => step.effects.forEach(onEffect));
    return step.state;
  };
  const [state, dispatch] = useReducer(reducer, undefined, () => {
    const { width, height } = size();
    return initialState(views, width, height);
  });

  useEffect(() => {
    const onResize = (): void => dispatch({ kind: 'resize', ...size() });
    stdout.on('resize', onResize);
    return () => {
      stdout.off('resize', onResize);
    };
  }, [stdout]);
  useEffect(() => onDispatch?.(dispatch), [onDispatch]);
  useEffect(() => dispatch({ kind: 'report' }), [report]);
  useInput((input, key) => {
    // Pasted or fast typed text arrives in one piece.
    const typed = !key.ctrl && !key.meta && Array.from(input).length > 1 && !/\p{Cc}/u.test(input);
    if (typed) for (const letter of input) dispatch({ kind: 'key', key: keyName(letter, {}) });
    else dispatch({ kind: 'key', key: keyName(input, key) });
  });

  return (
    <LinesView lines={screenOf(source, state)} width={state.width} height={state.height} theme={theme} />
  );
}
