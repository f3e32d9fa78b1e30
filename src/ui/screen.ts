/**
 * The whole screen as lines: tabs, the view's head, list and detail, the footer or filter line. Pure, so that golden
 * frames need no terminal. `app.tsx` only draws what comes out of here.
 */
import type { Report } from '../explain/report.ts';
import type { ListModel, View, ViewSettings } from './define-view.ts';
import { keymap, keyOf, type Command } from './keymap.ts';
import { fit, line, lineWidth, padLine, span, truncateLine, type Line, type Span } from './lines.ts';
import { layoutOf, type UiState, type ViewState } from './ui-state.ts';

export interface ScreenSource {
  readonly report: Report;
  readonly views: readonly View[];
  listOf(view: View, settings: ViewSettings): ListModel;
  detailOf(view: View, state: ViewState): readonly Line[];
  /** What the trace is doing: `reading 40 %`, `following`; empty when there is nothing to say. */
  readonly status: string;
}

function tabs(source: ScreenSource, state: UiState): Line {
  const spans: Span[] = [];
  for (const view of source.views) {
    const isOpen = view.id === state.view;
    const text = isOpen ? `[${view.key} ${view.title}]` : ` ${view.key} ${view.title} `;
    spans.push({ text, role: isOpen ? 'strong' : 'muted' });
  }
  if (lineWidth(spans) <= state.width) return spans;
  // Too narrow for all titles: only the open one is spelled out.
  return source.views.map((view) =>
    view.id === state.view
      ? { text: `[${view.key} ${view.title}]`, role: 'strong' }
      : { text: ` ${view.key} `, role: 'muted' },
  );
}

function applies(command: Command, view: View): boolean {
  if (command === 'sort') return view.sorts !== undefined;
  if (command === 'group') return view.groups !== undefined;
  if (command === 'zoom-in') return view.isHorizontal === true;
  if (command === 'enter') return view.enter !== undefined || view.detail !== undefined;
  if (command === 'open-editor' || command === 'copy') return view.target !== undefined;
  if (command === 'minify' || command === 'export') return view.id === 'graphs';
  return true;
}

function footer(source: ScreenSource, state: UiState, view: View, count: number): Line {
  const own = state.views[view.id]!;
  if (state.typing !== undefined)
    return [{ text: '/', role: 'accent' }, { text: state.typing }, { text: '▏', role: 'accent' }];
  if (state.message !== undefined) return line(` ${state.message}`, 'accent');
  const keys = keymap
    .filter((binding) => binding.footer !== undefined && applies(binding.command, view))
    .flatMap((binding): Span[] => [
      { text: ` ${keyOf(binding.command)}`, role: 'strong' },
      { text: ` ${binding.footer!} `, role: 'muted' },
    ]);
  const place = count === 0 ? '' : `${Math.min(own.cursor + 1, count)}/${count}`;
  const filter = own.settings.filter === '' ? '' : `/${own.settings.filter}  `;
  const right = [filter, source.status, place].filter((part) => part !== '').join('  ');
  const room = state.width - right.length - 1;
  return [...padLine(truncateLine(keys, room), room), { text: right, role: 'muted' }];
}

function helpLines(views: readonly View[]): Line[] {
  const lines: Line[] = [line('Keys', 'strong')];
  for (const binding of keymap) {
    const keys = binding.keys.map((key) => (key === 'return' ? 'enter' : key)).join(' ');
    lines.push([{ text: `  ${fit(keys, 22)}`, role: 'accent' }, { text: binding.help }]);
  }
  lines.push([{ text: `  ${fit(`1-${views.length}`, 22)}`, role: 'accent' }, { text: 'open a view' }]);
  const terms = views.flatMap((view) => Object.entries(view.terms ?? {}));
  if (terms.length > 0) lines.push([], line('Terms', 'strong'));
  for (const [term, meaning] of terms)
    lines.push([{ text: `  ${fit(term, 22)}`, role: 'accent' }, { text: meaning }]);
  return lines;
}

/** Lines of the body: head, list, detail. */
function body(source: ScreenSource, state: UiState, view: View): Line[] {
  const own = state.views[view.id]!;
  const list = source.listOf(view, own.settings);
  const head = view.head?.(source.report, own.settings, state.width) ?? [];
  const layout = layoutOf(state.width, state.height, head.length, view.detail !== undefined);
  const lines: Line[] = head.slice(0, layout.headHeight).map((each) => padLine(each, state.width));
  const rows: Line[] = [];
  for (let row = 0; row < layout.listHeight; row++) {
    const index = own.scroll + row;
    const drawn = index < list.count ? padLine(list.line(index, layout.listWidth), layout.listWidth) : [];
    rows.push(index === own.cursor ? drawn.map((each) => span(each.text, 'selected')) : drawn);
  }
  if (list.count === 0)
    rows[0] = line(own.settings.filter === '' ? ' nothing here' : ' nothing matches the filter', 'muted');
  const detail = layout.split === 'none' ? [] : source.detailOf(view, own);
  const shown = detail.slice(own.detailScroll, own.detailScroll + layout.detailHeight);
  const more = detail.length - own.detailScroll - shown.length;
  if (more > 0 && shown.length > 0)
    shown[shown.length - 1] = line(` … ${more + 1} more lines (→ then ↓)`, 'muted');
  if (layout.split === 'beside') {
    const rule: Span = {
      text: own.focus === 'detail' ? '┃ ' : '│ ',
      role: own.focus === 'detail' ? 'accent' : 'muted',
    };
    for (const [index, row] of rows.entries()) {
      lines.push([
        ...padLine(row, layout.listWidth),
        rule,
        ...padLine(shown[index] ?? [], layout.detailWidth),
      ]);
    }
  } else {
    lines.push(...rows.map((row) => padLine(row, state.width)));
    if (layout.split === 'below') {
      lines.push(
        line(
          (own.focus === 'detail' ? '━' : '─').repeat(state.width),
          own.focus === 'detail' ? 'accent' : 'muted',
        ),
      );
      for (let row = 0; row < layout.detailHeight; row++) lines.push(padLine(shown[row] ?? [], state.width));
    }
  }
  return lines;
}

/** Smallest terminal on which anything can be shown. */
const leastWidth = 40;
const leastHeight = 10;

/** The screen for a state: at most `height` lines. */
export function screenOf(source: ScreenSource, state: UiState): readonly Line[] {
  const { width, height } = state;
  if (width < leastWidth || height < leastHeight) {
    return [truncateLine(line(`too small: ${leastWidth}x${leastHeight} at least`, 'warning'), width)];
  }
  const view = source.views.find((candidate) => candidate.id === state.view)!;
  const rule = line('─'.repeat(width), 'muted');
  if (state.isHelpOpen) {
    const all = helpLines(source.views);
    const room = height - 3;
    const start = Math.min(state.helpScroll, Math.max(0, all.length - room));
    const lines = all.slice(start, start + room);
    const blank = Array.from({ length: room - lines.length }, (): Line => []);
    return [line(' fullgraph: help', 'strong'), rule, ...lines, ...blank, line(' any key closes', 'muted')];
  }
  const { count } = source.listOf(view, state.views[view.id]!.settings);
  return [tabs(source, state), rule, ...body(source, state, view), footer(source, state, view, count)];
}
