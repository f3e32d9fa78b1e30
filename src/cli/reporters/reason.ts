/** One break reason as a page of text. */
import { diffLines } from 'diff';
import type { BreakReason } from '../../ir/break.ts';
import { wrap, type Page } from './page.ts';

function exampleLines(page: Page, reason: BreakReason): string[] {
  const { ink } = page;
  if (reason.good === undefined) return reason.bad.split('\n').map((line) => `    ${line}`);
  return diffLines(`${reason.bad}\n`, `${reason.good}\n`).flatMap((part) =>
    part.value
      .replace(/\n$/, '')
      .split('\n')
      .map((line) =>
        part.added ? ink.good(`  + ${line}`) : part.removed ? ink.bad(`  - ${line}`) : `    ${line}`,
      ),
  );
}

export function renderReason(page: Page, reason: BreakReason): string {
  const { ink } = page;
  const lines = [
    `${ink.fair.bold(reason.id)} ${ink.strong(reason.title)}`,
    '',
    ...wrap(page, reason.explain({})),
    '',
    ink.heading(reason.isFixable ? 'How to avoid it' : 'What can be done'),
    ...reason.hints.flatMap((hint) => wrap(page, hint, '  - ', '    ')),
    '',
    ink.heading(reason.good === undefined ? 'Example' : 'Example, and its fix'),
    ...exampleLines(page, reason),
  ];
  return `${lines.join('\n')}\n`;
}
