import { defineCommand, type Command } from '../command.ts';
import { diagnose, type Finding } from '../diagnose.ts';
import { print } from '../output.ts';
import { pad, wrap, type Page } from '../reporters/page.ts';
import { pageFor } from '../terminal.ts';

const marks: Readonly<Record<Finding['status'], string>> = { good: '✓', off: '-', warning: '!', bad: '✗' };

function render(page: Page, findings: readonly Finding[]): string {
  const { ink } = page;
  const inks = { good: ink.good, off: ink.dim, warning: ink.fair, bad: ink.bad };
  const width = findings.reduce((most, { name }) => Math.max(most, name.length), 0);
  const indent = ' '.repeat(width + 6);
  const lines = findings.flatMap(({ name, status, text, remedy }) => [
    ...wrap(page, text, `  ${inks[status](marks[status])} ${ink.strong(pad(name, width))}  `, indent),
    ...(remedy === undefined ? [] : wrap(page, remedy, `${indent}${ink.good('fix')} `, `${indent}    `)),
  ]);
  const wrong = findings.filter((finding) => finding.status === 'bad' || finding.status === 'warning');
  const verdict =
    wrong.length === 0
      ? ink.good('Everything that fullgraph needs is here.')
      : ink.fair(`To look at: ${wrong.map((finding) => finding.name).join(', ')}.`);
  return `${[...lines, '', verdict].join('\n')}\n`;
}

/** `fullgraph doctor`. */
export const doctorCommand: Command = defineCommand({
  name: 'doctor',
  summary: 'Look at what programs need here: Node, tfjs, native runtime, devices, caches',
  usage: '[--json]',
  details: ['Exit code 3 when fullgraph cannot work here. A device that is absent is no error.'],
  flags: { json: { type: 'boolean', help: 'Print JSON' } },
  examples: [
    { command: 'fullgraph doctor', help: 'in the folder of your program: finds the tfjs that it gets' },
    { command: 'fullgraph doctor --json', help: 'for a bug report' },
  ],
  async run({ values }, context) {
    const findings = await diagnose(context);
    const text =
      values.json === true
        ? `${JSON.stringify({ schemaVersion: 1, findings }, null, 2)}\n`
        : render(pageFor(context, context.stdout), findings);
    await print(context.stdout, text);
    return findings.some((finding) => finding.status === 'bad') ? 3 : 0;
  },
});
