/**
 * A view: pure functions from the report and the view's settings to lines. A list of rows with a cursor, and beside or
 * below it the detail of the row under the cursor. To add a view, write its file in `views/` and list it in
 * `views/index.ts`; tab, key, help and render tests follow from that.
 */
import type { ArtifactReport, Report } from '../explain/report.ts';
import type { AxisRange } from './axis.ts';
import type { Command } from './keymap.ts';
import type { Line } from './lines.ts';

/** What the user set in one view. All of it is data, so that a view's output can be tested without a terminal. */
export interface ViewSettings {
  /** Rows must contain it, ignoring case; empty: all rows. */
  readonly filter: string;
  /** Index into the view's `sorts`. */
  readonly sort: number;
  /** Index into the view's `groups`; 0 is ungrouped. */
  readonly group: number;
  /** Keys of rows that are folded open (or closed, as the view likes). */
  readonly toggled: ReadonlySet<string>;
  /** What the view drilled into, outermost first: a graph id, then a node name. */
  readonly path: readonly string[];
  /** Length of the window on a horizontal axis, 0 for all of it, its left edge, and the cursor: in units of the axis. */
  readonly span: number;
  readonly from: number;
  readonly at: number;
  /** Columns that long lines are shifted to the left, in pages of text. */
  readonly column: number;
  /** Text that was loaded for the page that is open. */
  readonly text?: string;
  /** The text that was asked for and has not come yet. */
  readonly loading?: ArtifactReport;
}

export const initialSettings: ViewSettings = {
  filter: '',
  sort: 0,
  group: 0,
  toggled: new Set(),
  path: [],
  span: 0,
  from: 0,
  at: 0,
  column: 0,
};

export interface ListRow {
  /** Unique in the list; the cursor follows it when the list changes. */
  readonly key: string;
  /** A heading: the cursor skips it. */
  readonly isHeading?: boolean;
  /** A header that folds: the cursor starts behind it. */
  readonly isFold?: boolean;
  /** `n` and `N` stop here. */
  readonly isBreak?: boolean;
}

export interface ListModel {
  readonly count: number;
  row(index: number): ListRow;
  /** Drawn only for rows on the screen. */
  line(index: number, width: number): Line;
  /** The row under the cursor, where inverting the whole row would hide what it shows. */
  selectedLine?(index: number, width: number): Line;
}

/** What `o`, `y`, `m` and `e` act on. */
export interface Target {
  readonly file?: string;
  readonly line?: number;
  /** What `y` copies. */
  readonly text?: string;
  /** Graph that `m` minifies and `e` exports. */
  readonly graph?: string;
}

/** Commands that lead from a row to somewhere else; each view says where. */
export type FollowCommand = 'enter' | 'ancestors' | 'descendants' | 'texts';

/** Where a row leads to. */
export type Navigation =
  | {
      readonly kind: 'settings';
      readonly settings: ViewSettings;
      /** Key of the row to stand on. */
      readonly cursor?: string;
      /** A text that the page needs and the report does not hold. */
      readonly load?: ArtifactReport;
    }
  | {
      readonly kind: 'view';
      readonly view: string;
      readonly settings?: Partial<ViewSettings>;
      readonly cursor?: string;
    };

/** `auto`: detail beside or below, as the width allows; `below`: always below; `full`: the list alone. */
export type Split = 'auto' | 'below' | 'full';

export interface View {
  readonly id: string;
  readonly title: string;
  /** Digit that opens it. */
  readonly key: string;
  readonly sorts?: readonly string[];
  readonly groups?: readonly string[];
  /** A horizontal axis, along which left/right and +/- move. */
  readonly axis?: {
    range(report: Report): AxisRange;
    /** Columns of the screen that it takes. */
    columns(report: Report, width: number): number;
    /** Where `n` and `N` go to for a row. */
    next(report: Report, key: string, at: number, direction: 1 | -1): number | undefined;
  };
  /** Whether a report has anything for it; absent: always. */
  isShown?(report: Report): boolean;
  /** What an empty list says when no filter made it so. */
  readonly empty?: string;
  /** The cursor starts on the last row, and stays on it while rows come, until it is moved. */
  readonly startsAtEnd?: boolean;
  /** Absent: `auto` with a detail, else `full`. */
  split?(report: Report, settings: ViewSettings): Split;
  /** Part of the height that the list takes when it stands above its detail; absent: 0.4. */
  readonly listShare?: number;
  /** Part of the width that the list takes when it stands beside its detail; absent: 0.5. */
  readonly besideShare?: number;
  /** Beside the commands that follow from what the view defines: those that do something here, in words for the footer. */
  commands?(report: Report, settings: ViewSettings): Partial<Record<Command, string>>;
  /** Lines above the list that do not scroll. */
  head?(report: Report, settings: ViewSettings, width: number): readonly Line[];
  /** Rebuilt only when the report or the settings change: must be fast for 10,000 rows. */
  list(report: Report, settings: ViewSettings): ListModel;
  /** Lines for the row under the cursor; none: the list takes the whole width. */
  detail?(report: Report, settings: ViewSettings, key: string, width: number): readonly Line[];
  /** @param width of the list. */
  target?(report: Report, settings: ViewSettings, key: string, width: number): Target;
  /**
   * Absent, or `undefined` for enter: enter moves between list and detail.
   * @param width of the list.
   */
  follow?(
    report: Report,
    settings: ViewSettings,
    key: string,
    command: FollowCommand,
    width: number,
  ): Navigation | undefined;
  /** Words that the help screen explains. */
  readonly terms?: Readonly<Record<string, string>>;
}

/** Identity with checking. */
export function defineView(view: View): View {
  return view;
}

/** A list model over an array. */
export function listOf<T>(
  items: readonly T[],
  row: (item: T) => ListRow,
  draw: (item: T, width: number) => Line,
): ListModel {
  return {
    count: items.length,
    row: (index) => row(items[index]!),
    line: (index, width) => draw(items[index]!, width),
  };
}

/** Whether a text contains what the filter asks for; an empty filter matches all. */
export function matches(settings: ViewSettings, text: string): boolean {
  return settings.filter === '' || text.toLowerCase().includes(settings.filter.toLowerCase());
}
