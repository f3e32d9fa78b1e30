/** `fullgraph inspect`: a program, a trace or a model in the terminal UI; where there is no terminal, as text. */
import { UserError } from '../../ir/errors.ts';
import { defineCommand, type Command, type Context, type ExitCode } from '../command.ts';
import { findInput, isModelName, type Input } from '../input.ts';
import { followInput, inspectProgram, inspectTrace } from '../interactive/inspect-input.ts';
import { inspectModel, modelText } from '../interactive/inspect-model.ts';
import { isInteractive } from '../interactive/open-ui.ts';
import { print } from '../output.ts';
import { programFlags } from '../program-flags.ts';
import type { Values } from '../flags.ts';
import { explainCommand } from './explain.ts';

const flags = {
  follow: { type: 'boolean', help: 'The trace is still being written: show it as it grows' },
  'trace-out': { type: 'string', value: '<file>', help: 'Keep the trace of the program' },
  ...programFlags,
} as const;

function followable(input: Input, word: string): string {
  if (input.kind === 'trace' && input.bytes === undefined) return input.path;
  throw new UserError(`--follow reads a trace file of fullgraph, and ${word} is none`, {
    code: 'FG5012',
    hint: 'Name the file that --trace-out writes; a program is followed anyway.',
  });
}

async function open(
  input: Input,
  word: string,
  values: Values<typeof flags>,
  context: Context,
): Promise<ExitCode> {
  if (values.follow === true && input.kind !== 'script') return followInput(followable(input, word), context);
  switch (input.kind) {
    case 'script':
      return inspectProgram(input, values, values['trace-out'], context);
    case 'trace':
    case 'torch':
      return inspectTrace(input, context);
    case 'model':
      return inspectModel(input.path, context);
    case 'report':
      throw new UserError(`${word} is a report, not a trace`, {
        code: 'FG5012',
        hint: `Keep the trace with --trace-out run.jsonl and inspect that.`,
      });
    default:
      return input satisfies never;
  }
}

export const inspectCommand: Command = defineCommand({
  name: 'inspect',
  summary: 'Open a program, a trace or a model in the terminal UI',
  usage: '<script | trace.jsonl | torch trace | model.onnx> [flags] [-- args...]',
  details: [
    'A script is run as by `fullgraph run`, without standard input, and looked at while it runs; what it prints is in the Output view. A trace is opened as it is: cut or damaged, with what can be read.',
    'Arrows or hjkl move, tab and digits switch views, / filters, s sorts, v groups, enter follows an edge, o opens $EDITOR at the line, y copies, m minifies and e exports a graph, ? shows all keys, q quits. Without a terminal it prints the text report.',
  ],
  flags,
  examples: [
    { command: 'fullgraph inspect train.ts -- --epochs 1', help: 'run it and watch' },
    { command: 'fullgraph explain train.ts --trace-out run.jsonl', help: 'make a trace' },
    { command: 'fullgraph inspect run.jsonl --follow', help: 'look at it while it grows' },
    { command: 'fullgraph inspect torch_trace/', help: 'a PyTorch job' },
    { command: 'fullgraph inspect model.onnx', help: 'the graph of a model' },
  ],
  async run(parsed, context) {
    const { values, positionals, rest } = parsed;
    const [word = ''] = positionals;
    if (isInteractive(context)) {
      return open(await findInput(positionals, rest, context), word, values, context);
    }
    // Standard input can be looked at only once, and `explain` does that.
    const input = isModelName(word) ? await findInput(positionals, rest, context) : undefined;
    if (input?.kind !== 'model') return explainCommand.run(parsed, context);
    await print(context.stdout, modelText(input.path));
    return 0;
  },
});
