/** The root component: a snapshot of the store as lines. All decisions are made in `ui-state.ts` and `screen.ts`. */
import { useSyncExternalStore, type ReactElement } from 'react';
import { LinesView } from './components/lines-view.tsx';
import type { UiStore } from './live/store.ts';
import { screenOf } from './screen.ts';
import type { Theme } from './theme.ts';

export interface AppProps {
  readonly store: UiStore;
  readonly theme: Theme;
}

export function App({ store, theme }: AppProps): ReactElement {
  const { source, state } = useSyncExternalStore(store.subscribe, store.snapshot);
  const { width, height } = state;
  return <LinesView lines={screenOf(source, state)} width={width} height={height} theme={theme} />;
}
