/** `fullgraph inspect`: a program, a trace or a model in the terminal UI; where there is no terminal, as text. */
import { defineCommand, type Command, type Context, type ExitCode } from '../command.ts';
import { findInput } from '../input.ts';
import { exitCodeOfEnd, isInteractive, openUi } from '../interactive/open-ui.ts';
import { missingParts } from '../interactive/trace-status.ts';
import { loadReport } from '../load-report.ts';
import { print } from '../output.ts';
import type { TraceInput } from '../read-trace.ts';
import { defaultLimit } from '../report-flags.ts';
import { renderText } from '../reporters/text.ts';
import { pageFor } from '../terminal.ts';
import { loadText } from '../../torch/index.ts';
import { UserError } from '../../ir/errors.ts';
import { views } from '../../ui/views/index.ts';

async function inspectTrace(input: TraceInput, context: Context): Promise<ExitCode> {
  const { report } = await loadReport(input, context);
  if (!isInteractive(context)) {
    await print(
      context.stdout,
      renderText(pageFor(context, context.stdout), report, { limit: defaultLimit }),
    );
    return 0;
  }
  const ui = await openUi(
    {
      report,
      views,
      status: missingParts(report),
      loadText: (artifact) => loadText({ kind: 'artifact', ...artifact }),
      onEffect: (effect) => Promise.resolve(`${effect.kind} is not available on a trace yet`),
    },
    context,
  );
  return exitCodeOfEnd(await ui.done);
}

export const inspectCommand: Command = defineCommand({
  name: 'inspect',
  summary: 'Open a trace in the terminal UI',
  usage: '<trace.jsonl | torch trace>',
  details: [
    'Arrows or hjkl move, tab and digits switch views, / filters, s sorts, v groups, o opens $EDITOR at the line, y copies, ? shows all keys, q quits. Without a terminal it prints the text report.',
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
    return inspectTrace(input, context);
  },
});
