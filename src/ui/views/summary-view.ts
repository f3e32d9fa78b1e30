/** Summary: the verdict, where the time went, what to fix first. */
import type { Advice, TimeShare } from '../../explain/report.ts';
import { defineView, listOf, type View } from '../define-view.ts';
import { bar, fit, line, span, wrap, type Line } from '../lines.ts';
import { formatMs } from './format.ts';

type Item = { readonly share: TimeShare } | { readonly advice: Advice };

const barWidth = 24;

function drawShare({ title, durationMs, share }: TimeShare): Line {
  return [
    span(` ${fit(title, 20)} `),
    span(bar(share, barWidth), 'accent'),
    span(fit(formatMs(durationMs), 10, 'right')),
    span(fit(`${(share * 100).toFixed(1)} %`, 8, 'right'), 'muted'),
  ];
}

export const summaryView: View = defineView({
  id: 'summary',
  title: 'Summary',
  key: '1',
  head: (report, _settings, width) => {
    const { verdict, totals } = report;
    const role = verdict.level === 'good' ? 'good' : verdict.level === 'fair' ? 'warning' : 'bad';
    const counts = `${totals.graphs} graphs · ${totals.compiles} compiles · ${totals.recompiles} recompiles · ${totals.breaks} breaks at ${totals.distinctBreaks} places`;
    return [...wrap(` ${verdict.sentence}`, width, role), line(` ${counts}`, 'muted'), []];
  },
  list: (report) =>
    listOf<Item>(
      [...report.time.map((share) => ({ share })), ...report.advice.map((advice) => ({ advice }))],
      (item) => ({ key: 'share' in item ? `time ${item.share.kind}` : `advice ${item.advice.subject.key}` }),
      (item) =>
        'share' in item
          ? drawShare(item.share)
          : [span(` → ${item.advice.title}`, 'strong'), span(`  ${formatMs(item.advice.savingMs)}`, 'muted')],
    ),
  follow(report, _settings, key, command) {
    if (command !== 'enter') return undefined;
    const advice = report.advice.find((each) => `advice ${each.subject.key}` === key);
    if (advice === undefined || advice.subject.kind === 'fallback') return undefined;
    const view = advice.subject.kind === 'break' ? 'breaks' : 'recompiles';
    return { kind: 'view', view, cursor: advice.subject.key };
  },
});
