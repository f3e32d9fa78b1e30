/** Notes: damage, limits and everything else that must not be silent; for PyTorch, frames that ended eager. */
import { defineView, listOf, type View } from '../define-view.ts';
import { span, wrap, type Role } from '../lines.ts';

interface Item {
  readonly key: string;
  readonly role: Role;
  readonly code: string;
  readonly text: string;
}

export const notesView: View = defineView({
  id: 'notes',
  title: 'Notes',
  key: '5',
  list: (report, settings) => {
    const wanted = settings.filter.toLowerCase();
    const notes = report.notes.map((note, index): Item => ({
      key: `note ${index}`,
      role: note.severity === 'error' ? 'bad' : note.severity === 'warning' ? 'warning' : 'muted',
      code: note.code,
      text: note.count > 1 ? `${note.text} (${note.count}×)` : note.text,
    }));
    const frames = report.frames
      .filter((frame) => frame.status !== 'ok' && frame.status !== 'break')
      .map((frame): Item => ({
        key: `frame ${frame.id}`,
        role: 'warning',
        code: frame.status,
        text: `${frame.id} ${frame.function}: ${frame.reason ?? 'no reason in the trace'}`,
      }));
    const items = [...notes, ...frames].filter((item) =>
      `${item.code} ${item.text}`.toLowerCase().includes(wanted),
    );
    return listOf(
      items,
      ({ key }) => ({ key }),
      (item) => [span(` ${item.code.padEnd(9)} `, item.role), span(item.text)],
    );
  },
  detail: (report, _settings, key, width) => {
    const [kind, id] = key.split(' ') as [string, string];
    if (kind === 'note') return wrap(report.notes[Number(id)]?.text ?? '', width);
    return wrap(report.frames.find((frame) => `frame ${frame.id}` === key)?.reason ?? '', width);
  },
});
