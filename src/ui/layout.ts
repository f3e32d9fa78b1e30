/** Where things are on the screen, in cells: tabs, the view's head, list, detail, footer. */
import type { Report } from '../explain/report.ts';
import type { Split, View, ViewSettings } from './define-view.ts';
import type { Line } from './lines.ts';
import type { ViewState } from './ui-model.ts';

export interface Layout {
  /** Lines between the tabs and the footer. */
  readonly bodyHeight: number;
  readonly headHeight: number;
  readonly listHeight: number;
  readonly listWidth: number;
  readonly detailWidth: number;
  readonly detailHeight: number;
  /** `beside`: list left, detail right; `below`: list above. */
  readonly split: 'none' | 'beside' | 'below';
}

/** Lines above the body: the tabs and a rule. */
export const tabLines = 2;
const footerLines = 1;
/** From this width on there is room for list and detail side by side. */
const besideFrom = 110;

interface Body {
  readonly width: number;
  readonly height: number;
  readonly headHeight: number;
  readonly split: Split;
  /** Rows of the list. */
  readonly rows: number;
  readonly focus: ViewState['focus'];
  /** Part of the height for a list that has the focus. */
  readonly listShare: number;
  /** Part of the width for a list beside its detail. */
  readonly besideShare?: number | undefined;
}

const usualListShare = 0.4;
const unfocusedListShare = 0.2;

/** Rows of a list above its detail: the one that has the focus gets the larger part. */
function listRows(body: Body, room: number): number {
  if (body.split === 'below') return Math.max(1, Math.min(body.rows, Math.floor(room / 2)));
  return Math.max(2, Math.floor(room * (body.focus === 'list' ? body.listShare : unfocusedListShare)));
}

const usualBesideShare = 0.5;

/** Columns of the list: half of a wide screen, all of a narrow one. */
export function listWidthIn(width: number, split: Split, share: number = usualBesideShare): number {
  return split === 'auto' && width >= besideFrom ? Math.floor(width * share) : width;
}

function layoutOf(body: Body): Layout {
  const { width, height, headHeight, split } = body;
  const bodyHeight = Math.max(3, height - tabLines - footerLines);
  const head = Math.min(headHeight, Math.max(0, bodyHeight - 4));
  const room = bodyHeight - head;
  const common = { bodyHeight, headHeight: head };
  if (split === 'full') {
    return { ...common, listHeight: room, listWidth: width, detailWidth: 0, detailHeight: 0, split: 'none' };
  }
  if (split === 'auto' && width >= besideFrom) {
    const listWidth = listWidthIn(width, split, body.besideShare);
    // Two columns for the rule between them.
    const detailWidth = width - listWidth - 2;
    return { ...common, listHeight: room, listWidth, detailWidth, detailHeight: room, split: 'beside' };
  }
  const listHeight = Math.min(room - 1, listRows(body, room));
  return {
    ...common,
    listHeight,
    listWidth: width,
    detailWidth: width,
    detailHeight: Math.max(0, room - listHeight - 1),
    split: 'below',
  };
}

const heads = new WeakMap<
  ViewSettings,
  Map<View, { report: Report; width: number; lines: readonly Line[] }>
>();

/** Lines above the list, remembered: settings never change in place, and each key press asks several times. */
export function headOf(view: View, report: Report, settings: ViewSettings, width: number): readonly Line[] {
  if (view.head === undefined) return [];
  let ofSettings = heads.get(settings);
  if (ofSettings === undefined) heads.set(settings, (ofSettings = new Map()));
  const known = ofSettings.get(view);
  if (known !== undefined && known.report === report && known.width === width) return known.lines;
  const lines = view.head(report, settings, width);
  ofSettings.set(view, { report, width, lines });
  return lines;
}

/** The layout of a view in a state. */
export function layoutFor(
  size: { readonly width: number; readonly height: number },
  report: Report,
  view: View,
  state: ViewState,
  rows: number,
): Layout {
  const { settings, focus } = state;
  // While a filter is typed, nothing jumps.
  const isEmpty = rows === 0 && settings.filter === '';
  return layoutOf({
    ...size,
    headHeight: headOf(view, report, settings, size.width).length,
    split: view.detail === undefined || isEmpty ? 'full' : (view.split?.(report, settings) ?? 'auto'),
    rows,
    focus,
    listShare: view.listShare ?? usualListShare,
    besideShare: view.besideShare,
  });
}
