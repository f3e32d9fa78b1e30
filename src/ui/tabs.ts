/** The line of tabs, and which of them a column belongs to. */
import type { View } from './define-view.ts';
import { lineWidth, type Line } from './lines.ts';

/** One span per view, in their order. */
function spell(views: readonly View[], open: View, title: (view: View) => string, after: string): Line {
  return views.map((view) => {
    const text = [view.key, title(view)].filter((part) => part !== '').join(' ');
    return view === open
      ? { text: `[${text}]`, role: 'strong' }
      : { text: ` ${text}${after}`, role: 'muted' };
  });
}

/** Narrow screens lose blanks first, then the titles of what is not open. */
export function tabLine(views: readonly View[], open: View, width: number): Line {
  const forms = [
    spell(views, open, (view) => view.title, ' '),
    spell(views, open, (view) => view.title, ''),
    spell(views, open, (view) => (view === open ? view.title : ''), ' '),
  ];
  return forms.find((form) => lineWidth(form) <= width) ?? forms.at(-1)!;
}

/** The view whose tab covers a column. */
export function viewAt(views: readonly View[], open: View, width: number, column: number): View | undefined {
  let end = 0;
  return views.find((_view, index) => {
    end += lineWidth([tabLine(views, open, width)[index]!]);
    return column < end;
  });
}
