/** `fullgraph inspect`: a trace in the terminal UI; where there is no terminal, the text report. */
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { openPath } from '../../explain/paths.ts';
import type { Report } from '../../explain/report.ts';
import { UserError } from '../../ir/errors.ts';
import type { Effect } from '../../ui/ui-state.ts';
import { defineCommand, type Command, type Context } from '../command.ts';
import { findInput } from '../input.ts';
import { loadReport } from '../load-report.ts';
import { print } from '../output.ts';
import { defaultLimit } from '../report-flags.ts';
import { renderText } from '../reporters/text.ts';
import { colorLevel, pageFor } from '../terminal.ts';

/** Opens the user's editor and waits for it. Editors agree on `+line file` as far as they agree at all. */
async function openEditor(file: string, line: number, env: Context['env']): Promise<string | undefined> {
  const editor = env['VISUAL'] ?? env['EDITOR'];
  if (editor === undefined) return 'set $EDITOR to open files';
  const isCode = /(?:^|[\\/])(?:code|codium|cursor)(?:\s|$)/.test(editor);
  const place = isCode ? ['--goto', `${file}:${line}`] : [`+${line}`, file];
  return new Promise((done) => {
    const [command = '', ...words] = editor.split(' ');
    const child = spawn(command, [...words, ...place], { stdio: 'inherit' });
    child.on('error', (error) => done(`cannot start ${editor}: ${error.message}`));
    child.on('close', () => done(undefined));
  });
}

async function openUi(report: Report, context: Context): Promise<void> {
  const { mount } = await import('../../ui/mount.tsx');
  const onEffect = async (effect: Effect): Promise<string | undefined> => {
    if (effect.kind === 'open-editor') {
      const file = resolve(context.cwd, openPath(report.program.cwd, effect.file));
      return openEditor(file, effect.line, context.env);
    }
    return `${effect.kind} is not available on a trace yet`;
  };
  const { done } = mount({
    report,
    hasColor: colorLevel(context, context.stdout) > 0,
    stdout: process.stdout,
    stdin: process.stdin,
    onEffect,
  });
  await done;
}

export const inspectCommand: Command = defineCommand({
  name: 'inspect',
  summary: 'Open a trace in the terminal UI',
  usage: '<trace.jsonl | torch trace>',
  details: [
    'Arrows or hjkl move, tab and 1-5 switch views, / filters, s sorts, v groups, o opens $EDITOR at the line, y copies, ? shows all keys, q quits. Without a terminal it prints the text report.',
  ],
  flags: {},
  examples: [
    { command: 'fullgraph explain train.ts --trace-out run.jsonl', help: 'make a trace' },
    { command: 'fullgraph inspect run.jsonl', help: 'and look at it' },
    { command: 'fullgraph inspect torch_trace/', help: 'a PyTorch job' },
  ],
  async run({ positionals, rest }, context) {
    const input = await findInput(positionals, rest, context);
    if (input.kind !== 'trace' && input.kind !== 'torch') {
      throw new UserError(`${positionals[0]} is no trace`, {
        code: 'FG5012',
        hint: `Make one with \`fullgraph explain ${positionals[0]} --trace-out run.jsonl\`, then inspect that.`,
      });
    }
    const { report } = await loadReport(input, context);
    const isTerminal = context.stdout.isTTY === true && process.stdin.isTTY;
    if (isTerminal) await openUi(report, context);
    else
      await print(
        context.stdout,
        renderText(pageFor(context, context.stdout), report, { limit: defaultLimit }),
      );
    return 0;
  },
});
