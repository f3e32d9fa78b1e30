/** A screen source over a report, with what is expensive remembered: lists and details are rebuilt only when needed. */
import type { Report } from '../explain/report.ts';
import type { ListModel, View, ViewSettings } from './define-view.ts';
import type { Line } from './lines.ts';
import { layoutFor } from './layout.ts';
import type { ScreenSource } from './screen.ts';
import type { UiContext, ViewState } from './ui-model.ts';

export type UiSource = ScreenSource & UiContext;

/** @param size asks for the terminal's present size in cells. */
export function createSource(
  report: Report,
  views: readonly View[],
  status: string,
  size: () => { readonly width: number; readonly height: number },
): UiSource {
  const lists = new WeakMap<ViewSettings, Map<string, ListModel>>();
  let lastDetail:
    { view: string; settings: ViewSettings; key: string; width: number; lines: readonly Line[] } | undefined;

  function listOf(view: View, settings: ViewSettings): ListModel {
    const known = lists.get(settings) ?? new Map<string, ListModel>();
    lists.set(settings, known);
    const found = known.get(view.id) ?? view.list(report, settings);
    known.set(view.id, found);
    return found;
  }

  function detailOf(view: View, state: ViewState): readonly Line[] {
    const list = listOf(view, state.settings);
    if (view.detail === undefined || state.cursor >= list.count) return [];
    const row = list.row(state.cursor);
    if (row.isHeading === true) return [];
    const { detailWidth } = layoutFor(size(), report, view, state, list.count);
    const isSame =
      lastDetail?.view === view.id &&
      lastDetail.settings === state.settings &&
      lastDetail.key === row.key &&
      lastDetail.width === detailWidth;
    if (!isSame) {
      const lines = view.detail(report, state.settings, row.key, detailWidth);
      lastDetail = { view: view.id, settings: state.settings, key: row.key, width: detailWidth, lines };
    }
    return lastDetail!.lines;
  }

  return {
    report,
    views: views.filter((view) => view.isShown?.(report) ?? true),
    status,
    listOf,
    detailOf,
    detailLength: (view, state) => detailOf(view, state).length,
  };
}
