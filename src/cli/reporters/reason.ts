/** One break reason as a page of text. */
import { diffLines } from 'diff';
import type { BreakReason } from '../../ir/break.ts';
import type { TorchBreakReason } from '../../torch/index.ts';
import { wrap, type Page } from './page.ts';

function exampleLines(page: Page, reason: { readonly bad: string; readonly good?: string }): string[] {
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

/** One of PyTorch's. */
export function renderTorchReason(page: Page, reason: TorchBreakReason): string {
  const { ink } = page;
  const { bad, good } = reason;
  const lines = [
    `${ink.fair.bold(reason.id)} ${ink.strong(reason.title)} ${ink.dim('(PyTorch)')}`,
    '',
    ...wrap(page, reason.explanation),
    '',
    ink.heading('How to avoid it'),
    ...reason.hints.flatMap((hint) => wrap(page, hint, '  - ', '    ')),
    ...(bad === undefined
      ? []
      : [
          '',
          ink.heading('Example, and its fix'),
          ...exampleLines(page, { bad, ...(good === undefined ? {} : { good }) }),
        ]),
    '',
    ...wrap(page, reason.url, ink.dim('see '), '    '),
  ];
  return `${lines.join('\n')}\n`;
}
