/** Output: what the program prints while it runs. The cursor starts on the last line, and stays there until it is moved. */
import { defineView, listOf, type View } from '../define-view.ts';
import { fit, line, span, wrap } from '../lines.ts';
import type { OutputLine, OutputModel } from './output-model.ts';

interface Item {
  readonly key: string;
  readonly number: number;
  readonly line: OutputLine;
}

const numberWidth = 6;

function items({ lines, dropped }: OutputModel, filter: string): Item[] {
  const wanted = filter.toLowerCase();
  const found = lines
    .map((each, index): Item => {
      const number = dropped + index + 1;
      return { key: String(number), number, line: each };
    })
    .filter((item) => item.line.text.toLowerCase().includes(wanted));
  const last = found.pop();
  // The key of the last row never changes: a cursor that stands there follows the end.
  return last === undefined ? [] : [...found, { ...last, key: 'end' }];
}

/** A view of what was printed so far. */
export function createOutputView(output: OutputModel): View {
  const find = (filter: string, key: string): Item | undefined =>
    items(output, filter).find((item) => item.key === key);
  return defineView({
    id: 'output',
    title: 'Output',
    key: '9',
    empty: 'nothing was printed yet',
    split: () => 'full',
    startsAtEnd: true,
    commands: () => ({ enter: '', 'open-editor': '' }),
    head: () =>
      output.dropped === 0 ? [] : [line(` … ${output.dropped} earlier lines are not kept`, 'muted')],
    list: (_report, { filter }) =>
      listOf(
        items(output, filter),
        ({ key }) => ({ key }),
        ({ number, line: { stream, text } }) => [
          span(` ${fit(String(number), numberWidth, 'right')} `, 'muted'),
          span(stream === 'err' ? '! ' : '  ', 'warning'),
          span(text),
        ],
      ),
    detail: (_report, { filter }, key, width) => wrap(find(filter, key)?.line.text ?? '', width),
    target: (_report, { filter }, key) => {
      const item = find(filter, key);
      return item === undefined ? {} : { text: item.line.text };
    },
    terms: { 'Output !': 'Lines that begin with ! came over standard error.' },
  });
}
