/** The words of the UI's state machine: state, actions in, effects out. `ui-state.ts` holds the rules. */
import type { ArtifactReport, Report } from '../explain/report.ts';
import { initialSettings, type ListModel, type View, type ViewSettings } from './define-view.ts';

export interface ViewState {
  readonly settings: ViewSettings;
  /** Index of the row under the cursor. */
  readonly cursor: number;
  /** Its key once it was chosen, so that the cursor stays on the row when the report grows. */
  readonly row?: string;
  /** First row on the screen. */
  readonly scroll: number;
  readonly detailScroll: number;
  readonly focus: 'list' | 'detail';
}

/** A jump from one view into another, so that `back` returns. */
export interface Visit {
  readonly from: string;
  readonly to: string;
  /** Length of the path on arrival: going back beyond it returns. */
  readonly depth: number;
  /** How the other view was before. */
  readonly before: ViewState;
}

export interface UiState {
  readonly view: string;
  readonly views: Readonly<Record<string, ViewState>>;
  readonly width: number;
  readonly height: number;
  readonly visits: readonly Visit[];
  /** Text typed so far, while the filter line is open. */
  readonly typing?: string;
  readonly isHelpOpen: boolean;
  readonly helpScroll: number;
  /** One line of news: what an effect did. */
  readonly message?: string;
}

export type Effect =
  | { readonly kind: 'quit' }
  | { readonly kind: 'open-editor'; readonly file: string; readonly line: number }
  | { readonly kind: 'copy'; readonly text: string }
  | { readonly kind: 'minify' | 'export'; readonly graph: string }
  | { readonly kind: 'pause' | 'stop' }
  /** Fetch a text; the answer is a `text` action. */
  | { readonly kind: 'load-text'; readonly view: string; readonly artifact: ArtifactReport };

/** Language of an artifact that stands for a file of the program; its owner is the file's display path. */
export const sourceLanguage = 'source';

export type Action =
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'resize'; readonly width: number; readonly height: number }
  /** The report changed: cursors stay on their rows. */
  | { readonly kind: 'report' }
  | { readonly kind: 'click'; readonly column: number; readonly row: number }
  /** The wheel over a cell. */
  | { readonly kind: 'scroll'; readonly rows: number; readonly column: number; readonly row: number }
  | { readonly kind: 'message'; readonly text: string }
  /** A text arrived for the page that a view has open; `undefined`: it cannot be had. */
  | {
      readonly kind: 'text';
      readonly view: string;
      readonly artifact: ArtifactReport;
      readonly text: string | undefined;
    };

export interface UiContext {
  readonly report: Report;
  readonly views: readonly View[];
  /** Memoised by the caller on report and settings. */
  listOf(view: View, settings: ViewSettings): ListModel;
  /** Lines of the detail under the cursor, at the width that the layout gives it. */
  detailLength(view: View, state: ViewState): number;
}

export interface Step {
  readonly state: UiState;
  readonly effects: readonly Effect[];
}

export const initialViewState: ViewState = {
  settings: initialSettings,
  cursor: 0,
  scroll: 0,
  detailScroll: 0,
  focus: 'list',
};

/** State of a view, also of one that came into being with a later report. */
export function viewStateOf(state: UiState, id: string): ViewState {
  return state.views[id] ?? initialViewState;
}

/** The open view; the first one when the report has nothing for it any more. */
export function openView(state: UiState, views: readonly View[]): View {
  return views.find((view) => view.id === state.view) ?? views[0]!;
}

export function withView(state: UiState, id: string, change: Partial<ViewState>): UiState {
  return { ...state, views: { ...state.views, [id]: { ...viewStateOf(state, id), ...change } } };
}
