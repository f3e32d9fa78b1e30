import { resolve } from 'node:path';
import { checkDevice } from '../check-device.ts';
import { checkScript } from '../check-script.ts';
import { defineCommand, type Command } from '../command.ts';
import { runHosted } from '../hosted.ts';
import { findInput } from '../input.ts';
import { claimTraceFile } from '../output.ts';
import { programFlags, toHostOptions } from '../program-flags.ts';
import { UserError } from '../../ir/errors.ts';

/** `fullgraph run`. */
export const runCommand: Command = defineCommand({
  name: 'run',
  summary: 'Run a TensorFlow.js program, unmodified, on compiled graphs',
  usage: '[flags] <script> [args...]',
  details: [
    'The program gets its own arguments, environment, working directory and standard input; its output and exit code pass through. Flags stand before the script: all behind it belongs to the program.',
  ],
  flags: {
    'trace-out': {
      type: 'string',
      value: '<file>',
      help: 'Write the trace for `fullgraph explain` and `inspect`',
    },
    ...programFlags,
  },
  examples: [
    { command: 'fullgraph run train.ts --epochs 5', help: '--epochs is for train.ts' },
    {
      command: 'fullgraph run --threads 4 --trace-out run.jsonl serve.mjs',
      help: 'four threads, and a trace to look at later',
    },
    { command: 'node --import fullgraph/register train.js', help: 'the same without the command' },
  ],
  stopsAtScript: true,
  async run({ values, positionals, rest }, context) {
    const input = await findInput(positionals, rest, context);
    if (input.kind !== 'script') {
      throw new UserError(`${positionals[0]} is no program`, {
        code: 'FG5012',
        hint: `Use \`fullgraph ${input.kind === 'model' ? 'inspect' : 'explain'} ${positionals[0]}\` to look at it.`,
      });
    }
    await checkScript(input.file, context.cwd);
    await checkDevice(values.device, context);
    const traceFile =
      values['trace-out'] === undefined ? undefined : resolve(context.cwd, values['trace-out']);
    if (traceFile !== undefined) await claimTraceFile(traceFile, false);
    const { exitCode } = await runHosted(
      {
        file: input.file,
        arguments: input.arguments,
        options: toHostOptions(values, traceFile, context.cwd),
        stdout: 'inherit',
      },
      context,
    );
    return exitCode;
  },
});
