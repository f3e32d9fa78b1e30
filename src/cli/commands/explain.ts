import { existsSync } from 'node:fs';
import { appendFile, mkdtemp, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { UserError } from '../../ir/errors.ts';
import { encodeRecord } from '../../ir/record.ts';
import type { Report } from '../../explain/report.ts';
import { bundledTfjs, noTfjs } from '../../host/absent-tfjs.ts';
import { readBaseline } from '../baseline.ts';
import { checkDevice } from '../check-device.ts';
import { checkScript } from '../check-script.ts';
import { defineCommand, type Command, type Context, type ExitCode } from '../command.ts';
import { runHosted } from '../hosted.ts';
import { findInput, type Input } from '../input.ts';
import { inspectProgram, inspectTrace } from '../interactive/inspect-input.ts';
import { isInteractive } from '../interactive/open-ui.ts';
import { loadReport } from '../load-report.ts';
import { describeOtherTraces, findOtherTraces } from '../other-traces.ts';
import { checkTarget, claimTraceFile, print, writeWhole } from '../output.ts';
import { enforceBudget, formatOf, presentReport, type ReportValues } from '../present-report.ts';
import { usageExitCode } from '../../host/options.ts';
import { programFlags, toHostOptions } from '../program-flags.ts';
import { reportFlags } from '../report-flags.ts';
import type { TraceInput } from '../read-trace.ts';
import type { Values } from '../flags.ts';
import { readTorchTrace, saveRunnables } from '../../torch/index.ts';

const flags = {
  ...reportFlags,
  interactive: {
    type: 'boolean',
    short: 'i',
    help: 'Open the terminal UI: on the running program, or on the trace',
  },
  'trace-out': { type: 'string', value: '<file>', help: 'Keep the trace of the run' },
  'save-repros': {
    type: 'string',
    value: '<folder>',
    help: 'Write the stand-alone scripts (fx_graph_runnable) of a PyTorch trace there',
  },
  ...programFlags,
} as const;

/** The program came to its end without any tfjs that could be captured: there is nothing to explain. */
function demandTfjs(report: Report, script: string): void {
  for (const { code, text, hint } of [noTfjs, bundledTfjs]) {
    if (!report.notes.some((note) => note.code === code)) continue;
    throw new UserError(text.replace('the program', script), { code, hint });
  }
}

function canLoadTfjs(script: string): boolean {
  const folders = createRequire(script).resolve.paths('@tensorflow/tfjs') ?? [];
  return folders.some((folder) => existsSync(join(folder, '@tensorflow')));
}

async function show(
  input: TraceInput,
  values: ReportValues,
  context: Context,
  /** @returns whether there is anything to show */
  check: (report: Report) => boolean = () => true,
): Promise<ExitCode> {
  const { report, perfetto } = await loadReport(input, context, {
    scrub: values.scrub === true,
    perfetto: values.perfetto !== undefined,
  });
  if (!check(report)) return 0;
  if (perfetto !== undefined && values.perfetto !== undefined) {
    await writeWhole(context, values.perfetto, perfetto);
  }
  return presentReport(report, values, context);
}

/** Inductor logs each graph as a script of its own: what a bug report against PyTorch needs. */
async function saveRepros(
  input: Extract<Input, { kind: 'torch' }>,
  folder: string,
  context: Context,
): Promise<void> {
  if (input.bytes !== undefined) {
    throw new UserError('standard input can be read only once', {
      code: 'FG5012',
      hint: 'Save the log to a file to use --save-repros.',
    });
  }
  const paths = await saveRunnables(readTorchTrace(input.paths), resolve(context.cwd, folder));
  await print(
    context.stderr,
    `${paths.length} ${paths.length === 1 ? 'script' : 'scripts'} written to ${folder}\n`,
  );
}

/** A program that is killed cannot write its trace to the end: the report says who ended it. */
async function noteSignal(traceFile: string, signal: NodeJS.Signals): Promise<void> {
  const note = {
    kind: 'note',
    severity: 'error',
    code: 'FG5029',
    text: `${signal} ended the program`,
  } as const;
  // What was written last may be half a line.
  await appendFile(traceFile, `\n${encodeRecord(note)}`);
}

async function runAndShow(
  script: Extract<Input, { kind: 'script' }>,
  word: string,
  values: Values<typeof flags>,
  context: Context,
): Promise<ExitCode> {
  if (values.disable === true) {
    throw new UserError('with --disable nothing is captured, so there is nothing to explain', {
      code: 'FG5010',
      hint: `Leave it out, or write: fullgraph run --disable ${word}`,
    });
  }
  await checkScript(script.file, context.cwd);
  await checkDevice(values.device, context);
  if (values.baseline !== undefined) await readBaseline(values.baseline, context);
  await checkTarget(context, values.output);
  const kept = values['trace-out'];
  const folder = kept === undefined ? await mkdtemp(join(tmpdir(), 'fullgraph-')) : undefined;
  const traceFile = folder === undefined ? resolve(context.cwd, kept!) : join(folder, 'trace.jsonl');
  try {
    await claimTraceFile(traceFile, true);
    const startedMs = (await stat(traceFile)).mtimeMs;
    const { exitCode, signal } = await runHosted(
      {
        file: script.file,
        arguments: script.arguments,
        options: toHostOptions(values, traceFile, context.cwd),
        stdout: formatOf(values) === 'json' && values.output === undefined ? 'stderr' : 'inherit',
      },
      context,
    );
    if (signal !== undefined) await noteSignal(traceFile, signal);
    const verdict = await show({ kind: 'trace', path: traceFile }, values, context, (report) => {
      // Options that the program's process refused, in its own words; nothing ran.
      if (exitCode === usageExitCode && report.notes.some((note) => note.severity === 'error')) return false;
      // A program that fails for another reason, before it loads tfjs, gets its report and keeps its exit code.
      if (exitCode === 0 || !canLoadTfjs(script.file)) demandTfjs(report, word);
      return true;
    });
    const others = await findOtherTraces(traceFile, startedMs);
    await print(context.stderr, describeOtherTraces(others, folder === undefined, context.cwd));
    return exitCode === 0 ? verdict : exitCode;
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
}

/** `fullgraph explain`. */
export const explainCommand: Command = defineCommand({
  name: 'explain',
  summary: 'Say where and why the graph breaks, what it costs, and how to fix it',
  usage: '<script | trace.jsonl | torch trace> [flags] [-- args...]',
  details: [
    'A script is run as by `fullgraph run`, then reported on: what it prints comes first, the report follows on standard output. With --json, standard output holds the JSON alone and what the script prints goes to standard error. Arguments of the script stand behind --.',
    'A trace is a .jsonl file (or - for standard input) that --trace-out wrote, or the directory or log files of a PyTorch job that ran with TORCH_TRACE. There, a break is one dynamo_graph_break_reason, a recompile one compile id above 0; distinct breaks are counted by user line and reason.',
    'Exit code: that of the script when it fails; 1 when a budget is exceeded; else 0.',
  ],
  flags,
  examples: [
    { command: 'fullgraph explain train.ts', help: 'run it and report' },
    { command: 'fullgraph explain train.ts --json -o base.json -- --epochs 1', help: 'keep a baseline' },
    { command: 'fullgraph explain train.ts --baseline base.json', help: 'fail when there is a new break' },
    { command: 'fullgraph explain run.jsonl --max-breaks 3 --max-recompiles 1', help: 'a budget for CI' },
    {
      command: 'fullgraph explain torch_trace/ --scrub -o report.md',
      help: 'a PyTorch job, without its sources, to give away',
    },
  ],
  async run({ values, positionals, rest }, context) {
    const input = await findInput(positionals, rest, context);
    const isForPeople = formatOf(values) === 'text' && values.output === undefined;
    if (values.interactive === true && isForPeople && isInteractive(context)) {
      const judge = (report: Report): Promise<ExitCode> => enforceBudget(report, values, context);
      if (input.kind === 'script') {
        return inspectProgram(input, values, values['trace-out'], context, judge);
      }
      if (input.kind === 'trace' || input.kind === 'torch') return inspectTrace(input, context, judge);
    }
    switch (input.kind) {
      case 'script':
        return runAndShow(input, positionals[0]!, values, context);
      case 'torch':
        if (values['save-repros'] !== undefined) await saveRepros(input, values['save-repros'], context);
        return show(input, values, context);
      case 'trace':
        return show(input, values, context);
      case 'model':
        throw new UserError(`${positionals[0]} is a model: nothing ran, so there is nothing to explain`, {
          code: 'FG5012',
          hint: `Use \`fullgraph inspect ${positionals[0]}\`.`,
        });
      case 'report':
        throw new UserError(`${positionals[0]} is a report, not a trace`, {
          code: 'FG5012',
          hint: `Use \`fullgraph diff ${positionals[0]} <other>\`, or --baseline ${positionals[0]}.`,
        });
      default:
        return input satisfies never;
    }
  },
});
