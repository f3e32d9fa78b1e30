/** The root component: a snapshot of the store as lines. All decisions are made in `ui-state.ts` and `screen.ts`. */
import { useSyncExternalStore, type ReactElement } from 'react';
import { Canvas, type CanvasProps } from './components/canvas.tsx';
import type { UiStore } from './live/store.ts';
import { screenOf } from './screen.ts';

export interface AppProps extends Pick<CanvasProps, 'paint' | 'onFrame'> {
  readonly store: UiStore;
}

export function App({ store, paint, onFrame }: AppProps): ReactElement {
  const { source, state } = useSyncExternalStore(store.subscribe, store.snapshot);
  const { width, height } = state;
  const lines = screenOf(source, state);
  return <Canvas lines={lines} width={width} height={height} paint={paint} onFrame={onFrame} />;
}
