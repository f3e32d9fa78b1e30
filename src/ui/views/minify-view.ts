/** Minify: a search while it runs. Head: how it fails and how far it is; list: passes, stages, other failures; detail: the best so far. */
import { defineView, listOf, type ListModel, type View } from '../define-view.ts';
import {
  sizeCurve,
  type MinifyModel,
  type PassRow,
  type SearchPhase,
  type TrialOutcome,
  type WorkerRow,
} from '../live/minify-model.ts';
import { listWidthIn } from '../layout.ts';
import { line, span, tableHead, tableRow, wrap, type Column, type Line, type Role } from '../lines.ts';
import { formatMs } from '../parts/format.ts';

const columns: readonly Column[] = [
  { title: 'pass', width: 'flex' },
  { title: 'trials', width: 7, align: 'right' },
  { title: 'accepted', width: 8, align: 'right' },
  { title: 'saved', width: 7, align: 'right' },
  { title: 'time', width: 9, align: 'right' },
];

const phaseRoles: Readonly<Record<SearchPhase, Role>> = {
  probing: 'accent',
  reducing: 'accent',
  paused: 'warning',
  stopping: 'warning',
  done: 'good',
  failed: 'bad',
};

const phaseWords: Readonly<Record<SearchPhase, string>> = {
  probing: 'finding out how it fails',
  reducing: 'shrinking',
  paused: 'paused (p goes on)',
  stopping: 'writing the best so far',
  done: 'done',
  failed: 'failed',
};

const outcomeWords: Readonly<Record<TrialOutcome, string>> = {
  accepted: 'accepted',
  rejected: 'rejected',
  cached: 'known',
  slipped: 'failed otherwise',
  invalid: 'invalid',
};

function isRunning(phase: SearchPhase): boolean {
  return phase !== 'done' && phase !== 'failed';
}

/** `1311 → 34 tokens (97 % gone)`. */
function sizeText({ sizeBefore, size, unit }: MinifyModel): string {
  const gone = sizeBefore === 0 ? 0 : Math.round((1 - size / sizeBefore) * 100);
  return `${sizeBefore} → ${size} ${unit} (${gone} % gone)`;
}

function countsText({ trials, outcomes, timeMs }: MinifyModel): string {
  const parts = [
    `${trials} trials`,
    `${outcomes.accepted} accepted`,
    `${outcomes.rejected} rejected`,
    outcomes.cached > 0 ? `${outcomes.cached} known` : '',
    outcomes.invalid > 0 ? `${outcomes.invalid} invalid` : '',
    outcomes.slipped > 0 ? `${outcomes.slipped} failed otherwise` : '',
    formatMs(timeMs),
  ];
  return parts.filter((part) => part !== '').join(' · ');
}

function workerLine({ worker, pass, size, outcome }: WorkerRow, unit: string): Line {
  return [
    span(` worker ${worker} `, 'muted'),
    span(`${pass}: ${size} ${unit}, `),
    span(outcomeWords[outcome], outcome === 'accepted' ? 'good' : 'muted'),
  ];
}

function endLines({ end }: MinifyModel, width: number): Line[] {
  if (end === undefined) return [];
  const verdict = end.verified
    ? 'it fails the same way from there in a fresh process'
    : 'it did NOT fail the same way from there';
  return [
    ...(end.culprit === undefined ? [] : wrap(`introduced by: ${end.culprit}`, width, 'warning', ' ')),
    ...wrap(`${end.directory ?? 'no folder'}: ${verdict}`, width, end.verified ? 'good' : 'bad', ' '),
  ];
}

function head(model: MinifyModel, width: number): Line[] {
  const { phase, input, values, signature, size, unit, workers, complaint } = model;
  const title: Line = [
    span(` ${phaseWords[phase]}`, phaseRoles[phase]),
    span(`  ${input}`, 'strong'),
    span(signature === '' ? '' : `  ${signature}`, 'bad'),
  ];
  const drawn = values === '' ? [] : wrap(values, width, 'muted', ' ');
  if (complaint !== '' && phase === 'failed') return [title, ...wrap(complaint, width, 'bad', ' '), ...drawn];
  if (size === 0) return [title, ...drawn];
  const text = ` ${sizeText(model)} `;
  return [
    title,
    [span(text), span(sizeCurve(model, Math.max(0, width - text.length - 1)), 'accent')],
    line(` ${countsText(model)}`, 'muted'),
    ...drawn,
    ...(isRunning(phase) ? workers.map((worker) => workerLine(worker, unit)) : []),
    ...endLines(model, width),
    tableHead(columns, listWidthIn(width, 'auto')),
  ];
}

type Item =
  | { readonly kind: 'pass'; readonly key: string; readonly pass: PassRow }
  | { readonly kind: 'heading'; readonly key: string; readonly text: string }
  | {
      readonly kind: 'text';
      readonly key: string;
      readonly title: string;
      readonly text: string;
      readonly role: Role;
    };

function section(title: string, items: readonly Item[]): Item[] {
  return items.length === 0 ? [] : [{ kind: 'heading', key: title, text: title }, ...items];
}

function allItems(model: MinifyModel): Item[] {
  // Before the first trial, too, there is a row to see the best so far from.
  const given: Item[] =
    model.passes.length > 0 || model.text === ''
      ? []
      : [{ kind: 'text', key: 'given', title: 'as it was given', text: '', role: 'muted' }];
  return [
    ...given,
    ...model.passes.map((pass): Item => ({ kind: 'pass', key: `pass ${pass.name}`, pass })),
    ...section(
      'stages',
      model.stages.map(({ name, verdict }, index): Item => ({
        kind: 'text',
        key: `stage ${index}`,
        title: name,
        text: verdict,
        role: 'muted',
      })),
    ),
    ...section(
      'other failures met on the way',
      model.slips.map(({ signature, text }, index): Item => ({
        kind: 'text',
        key: `slip ${index}`,
        title: signature,
        text,
        role: 'warning',
      })),
    ),
  ];
}

function textOf(item: Item): string {
  if (item.kind === 'pass') return item.pass.name;
  return item.kind === 'heading' ? item.text : `${item.title} ${item.text}`;
}

function list(model: MinifyModel, filter: string): ListModel {
  const wanted = filter.toLowerCase();
  const items = allItems(model).filter(
    (item) => item.kind === 'heading' || textOf(item).toLowerCase().includes(wanted),
  );
  return listOf(
    items,
    ({ key, kind }) => ({ key, isHeading: kind === 'heading' }),
    (item, width) => {
      if (item.kind === 'heading') return line(item.text, 'muted');
      if (item.kind === 'text')
        return [span(`${item.title}  `, item.role), span(item.text.split('\n', 1)[0]!)];
      const { name, trials, accepted, saved, durationMs } = item.pass;
      return tableRow(
        columns,
        [
          span(`${name === model.pass && isRunning(model.phase) ? '▶ ' : '  '}${name}`),
          span(String(trials)),
          span(String(accepted), accepted > 0 ? 'good' : 'muted'),
          span(saved === 0 ? '–' : `-${saved}`, saved === 0 ? 'muted' : 'good'),
          span(formatMs(durationMs), 'muted'),
        ],
        width,
      );
    },
  );
}

/** What is shown for a row: the text of another failure, else the best so far. */
function shownText(model: MinifyModel, key: string): { readonly title: string; readonly text: string } {
  const [kind, index] = key.split(' ');
  const slip = kind === 'slip' ? model.slips[Number(index)] : undefined;
  if (slip !== undefined) return { title: slip.signature, text: slip.text };
  return { title: `best so far: ${model.size} ${model.unit}`, text: model.text };
}

/** A view of a search as it is now. */
export function createMinifyView(model: MinifyModel): View {
  return defineView({
    id: 'minify',
    title: 'Minify',
    key: '7',
    empty: isRunning(model.phase) ? 'no trial yet' : 'no trial',
    head: (_report, _settings, width) => head(model, width),
    list: (_report, { filter }) => list(model, filter),
    detail: (_report, _settings, key) => {
      const { title, text } = shownText(model, key);
      if (text === '') return [line('nothing has been shrunk', 'muted')];
      const width = String(text.split('\n').length).length;
      return [
        line(title, 'strong'),
        ...text
          .trimEnd()
          .split('\n')
          .map((each, index): Line => [
            span(` ${String(index + 1).padStart(width)} │ `, 'muted'),
            span(each, 'code'),
          ]),
      ];
    },
    target: (_report, _settings, key) => ({ text: shownText(model, key).text }),
    commands: () =>
      isRunning(model.phase)
        ? { pause: model.phase === 'paused' ? 'go on' : 'pause', stop: 'stop with best', 'open-editor': '' }
        : { 'open-editor': '' },
    terms: {
      trial: 'One smaller candidate that was run to see whether it still fails the same way.',
      accepted: 'The candidate fails the same way: it is the best so far.',
      'failed otherwise': 'It fails, but not the way that is looked for: kept aside, not followed.',
      'size curve': 'Size of the best over time, logarithmic: full blocks are the size at the start.',
    },
  });
}
