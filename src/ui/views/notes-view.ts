/** Notes: damage, limits and everything else that must not be silent. */
import type { NoteReport, Report } from '../../explain/report.ts';
import { formatPlural } from '../../explain/units.ts';
import { defineView, listOf, matches, type View } from '../define-view.ts';
import { line, span, wrap, type Line, type Role } from '../lines.ts';
import { codeLines } from '../parts/code-lines.ts';
import { placeOf } from '../parts/format.ts';

interface Item {
  readonly key: string;
  readonly note: NoteReport;
}

const roles: Readonly<Record<NoteReport['severity'], Role>> = {
  error: 'bad',
  warning: 'warning',
  info: 'muted',
};

/** What was lost on the way, in the form of notes. */
function damageNotes({ damage }: Report): NoteReport[] {
  const make = (code: string, text: string): NoteReport => ({ severity: 'warning', code, text, count: 1 });
  const unknown = Object.entries(damage.unknownKinds).map(([kind, count]) => `${kind} (${count})`);
  return [
    ...(damage.isHeadless ? [make('damage', 'The trace has no header: its start is missing.')] : []),
    ...(damage.isTruncated
      ? [make('damage', 'The trace has no end: the program died, or is still running.')]
      : []),
    ...(damage.lines > 0 ? [make('damage', `${formatPlural(damage.lines, 'line')} could not be read.`)] : []),
    ...(damage.dangling > 0
      ? [make('damage', `${formatPlural(damage.dangling, 'reference')} to what the trace lacks.`)]
      : []),
    ...(unknown.length > 0
      ? [make('damage', `Records of kinds that this version does not know: ${unknown.join(', ')}.`)]
      : []),
  ];
}

function itemsOf(report: Report): Item[] {
  return [...damageNotes(report), ...report.notes].map((note, index) => ({ key: `note ${index}`, note }));
}

function find(report: Report, key: string): NoteReport | undefined {
  return itemsOf(report).find((item) => item.key === key)?.note;
}

function detail(report: Report, note: NoteReport, width: number): Line[] {
  return [
    [span(note.code, 'accent'), span(`  ${note.severity}`, roles[note.severity])],
    ...wrap(note.text, width),
    ...(note.count > 1 ? [line(formatPlural(note.count, 'time'), 'muted')] : []),
    ...(note.site === undefined ? [] : [[], ...codeLines(report, note.site, width)]),
  ];
}

export const notesView: View = defineView({
  id: 'notes',
  title: 'Notes',
  key: '0',
  empty: 'nothing to note: no damage, no limit, no guess',
  list: (report, settings) => {
    const items = itemsOf(report);
    const codeWidth = items.reduce((most, { note }) => Math.max(most, note.code.length), 0);
    return listOf(
      items.filter(({ note }) => matches(settings, `${note.code} ${note.text}`)),
      ({ key }) => ({ key }),
      ({ note }) => [
        span(` ${note.code.padEnd(codeWidth)}  `, roles[note.severity]),
        span(note.count > 1 ? `${note.text} (${note.count}×)` : note.text),
      ],
    );
  },
  detail: (report, _settings, key, width) => {
    const note = find(report, key);
    return note === undefined ? [] : detail(report, note, width);
  },
  target: (report, _settings, key) => {
    const note = find(report, key);
    return note === undefined ? {} : { ...placeOf(note.site), text: `${note.code} ${note.text}` };
  },
});
