/** `--help`, from the tables. */
import { pad, wrap, type Page } from './reporters/page.ts';
import type { Command } from './command.ts';
import type { Flag } from './flags.ts';

function flagLabel(name: string, flag: Flag): string {
  const value =
    flag.type === 'boolean' ? '' : ` ${flag.value ?? (flag.type === 'number' ? '<n>' : '<text>')}`;
  return `${flag.short === undefined ? '    ' : `-${flag.short}, `}--${flag.isOnByDefault === true ? 'no-' : ''}${name}${value}`;
}

function entries(page: Page, rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.min(
    28,
    rows.reduce((most, [label]) => Math.max(most, label.length), 0),
  );
  return rows.flatMap(([label, text]) => {
    const lines = wrap(page, text, ' '.repeat(width + 4));
    if (label.length > width) return [`  ${page.ink.strong(label)}`, ...lines];
    return [`  ${page.ink.strong(pad(label, width))}  ${lines[0]!.trimStart()}`, ...lines.slice(1)];
  });
}

/** Help of one command. */
export function commandHelp(page: Page, command: Command): string {
  const { ink } = page;
  const flags = Object.entries(command.flags).map(
    ([name, flag]) =>
      [
        flagLabel(name, flag),
        `${flag.help}${flag.choices === undefined ? '' : `: ${flag.choices.join(', ')}`}`,
      ] as const,
  );
  const lines = [
    ...wrap(page, `${command.summary}.`),
    '',
    ...wrap(
      page,
      `fullgraph ${command.name} ${command.usage}`.trimEnd(),
      `${ink.heading('Usage')}  `,
      '         ',
    ),
    '',
    ...(command.details ?? []).flatMap((text) => [...wrap(page, text), '']),
    ...(flags.length === 0 ? [] : [ink.heading('Flags'), ...entries(page, flags), '']),
    ink.heading('Examples'),
    ...command.examples.flatMap(({ command: line, help }) => [
      `  ${ink.place(line)}`,
      ...wrap(page, ink.dim(help), '      '),
    ]),
  ];
  return `${lines.join('\n')}\n`;
}

/** The list of commands. */
export function overview(page: Page, commands: readonly Command[], version: string): string {
  const { ink } = page;
  const lines = [
    ...wrap(
      page,
      `${ink.strong(`fullgraph ${version}`)}: runs TensorFlow.js programs on native kernels, explains their graph breaks, shrinks their failures. Reads PyTorch's TORCH_TRACE logs, too.`,
    ),
    '',
    `${ink.heading('Usage')}  fullgraph <command> [flags]`,
    '',
    ink.heading('Commands'),
    ...entries(
      page,
      commands.map((command) => [command.name, command.summary] as const),
    ),
    '',
    ink.heading('Examples'),
    `  ${ink.place('fullgraph explain train.ts')}`,
    ...wrap(
      page,
      ink.dim('run it and say where and why its graph breaks, and what each break costs'),
      '      ',
    ),
    `  ${ink.place('fullgraph explain trace_dir/')}`,
    ...wrap(page, ink.dim('the same for a PyTorch job that ran with TORCH_TRACE=trace_dir'), '      '),
    '',
    ...wrap(
      page,
      'Each command has --help. Flags can be kept in fullgraph.config.json ("maxBreaks": 3). Exit codes: 0 fine, 1 findings over a budget, 2 wrong usage or input, 3 the machine lacks something (a native library, a device), 70 a bug of ours.',
    ),
  ];
  return `${lines.join('\n')}\n`;
}
