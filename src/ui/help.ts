/** The help screen: all keys, from the keymap, and the terms that the views use. Two columns where there is room. */
import type { View } from './define-view.ts';
import { keymap, shortName } from './keymap.ts';
import { fit, line, lineWidth, padLine, span, wrap, type Line } from './lines.ts';

const keyWidth = 22;
/** From this width on, keys and terms stand side by side. */
const besideFrom = 140;

function keyLines(views: readonly View[]): Line[] {
  const bindings = keymap.map(({ keys, help }): Line => [
    span(`  ${fit(keys.map(shortName).join(' '), keyWidth)} `, 'accent'),
    span(help),
  ]);
  const digits = views.map((view) => `${view.key} ${view.title}`).join(', ');
  return [line('Keys', 'strong'), ...bindings, line(`  ${digits}`, 'muted')];
}

function termLines(views: readonly View[], width: number): Line[] {
  const terms = views.flatMap((view) => Object.entries(view.terms ?? {}));
  const room = Math.max(20, width - 4);
  return [
    line('Terms', 'strong'),
    ...terms.flatMap(([term, meaning]): Line[] => [
      line(`  ${term}`, 'accent'),
      ...wrap(meaning, room, undefined, '    '),
    ]),
  ];
}

export function helpLines(views: readonly View[], width: number): Line[] {
  const keys = keyLines(views);
  if (width < besideFrom) return [...keys, [], ...termLines(views, width)];
  const left = Math.min(Math.floor(width * 0.6), Math.max(...keys.map(lineWidth)) + 4);
  const terms = termLines(views, width - left);
  const none: Line = [];
  return Array.from({ length: Math.max(keys.length, terms.length) }, (_, index) => [
    ...padLine(keys[index] ?? none, left),
    ...(terms[index] ?? none),
  ]);
}

/** Lines around the help: title, rule, footer. */
const frameLines = 3;

/** Lines of the help that a screen has room for. */
export function helpRoom(height: number): number {
  return Math.max(1, height - frameLines);
}

/** The first line on the screen when the last one is at its end. */
export function lastHelpScroll(views: readonly View[], width: number, height: number): number {
  return Math.max(0, helpLines(views, width).length - helpRoom(height));
}
