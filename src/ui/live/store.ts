/**
 * The UI's state outside React: actions go through the reducer one after the other, effects happen exactly once, and
 * whoever draws is told. React only reads snapshots.
 */
import type { Report } from '../../explain/report.ts';
import type { View } from '../define-view.ts';
import { createSource, type UiSource } from '../source.ts';
import type { Action, Effect, UiState } from '../ui-model.ts';
import { initialState, reduceUi } from '../ui-state.ts';

/** What the UI shows, and what it says about where that comes from. */
export interface UiContent {
  readonly report: Report;
  readonly views: readonly View[];
  /** `reading 40 %`, `running 12 s`; empty when there is nothing to say. */
  readonly status: string;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Snapshot {
  readonly source: UiSource;
  readonly state: UiState;
}

export interface UiStore {
  readonly snapshot: () => Snapshot;
  readonly subscribe: (listener: () => void) => () => void;
  dispatch(action: Action): void;
  /** Shows other content; cursors, filters and open pages stay. */
  replace(content: Partial<UiContent>): void;
}

/** @param onEffect called after the state has changed. */
export function createUiStore(
  content: UiContent,
  size: () => Size,
  onEffect: (effect: Effect) => void,
): UiStore {
  const listeners = new Set<() => void>();
  const sourceOf = ({ report, views, status }: UiContent): UiSource =>
    createSource(report, views, status, size);
  const { width, height } = size();
  let shown = content;
  const first = sourceOf(content);
  let snapshot: Snapshot = {
    source: first,
    // Told of its report at once, so that the cursor starts on a row.
    state: reduceUi(initialState(content.views, width, height), { kind: 'report' }, first).state,
  };

  function set(next: Snapshot): void {
    if (next.state === snapshot.state && next.source === snapshot.source) return;
    snapshot = next;
    for (const listener of listeners) listener();
  }

  function dispatch(action: Action): void {
    const { source } = snapshot;
    const { state, effects } = reduceUi(snapshot.state, action, source);
    set({ source, state });
    effects.forEach(onEffect);
  }

  return {
    snapshot: () => snapshot,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    dispatch,
    replace(change) {
      shown = { ...shown, ...change };
      const source = sourceOf(shown);
      set({ source, state: reduceUi(snapshot.state, { kind: 'report' }, source).state });
    },
  };
}
