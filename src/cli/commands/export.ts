/** `fullgraph export`: a graph that a program captured, or that a trace holds, as a standalone .onnx. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { exportTrace } from '../export-trace.ts';
import { formatBytes } from '../../explain/units.ts';
import type { ExportReport } from '../../host/export-run.ts';
import { UserError } from '../../ir/errors.ts';
import type { NamedValue } from '../../export/summarize-model.ts';
import { checkScript } from '../check-script.ts';
import { defineCommand, type Command, type Context } from '../command.ts';
import { runHosted } from '../hosted.ts';
import { findInput } from '../input.ts';
import { print } from '../output.ts';
import { programFlags, toHostOptions } from '../program-flags.ts';
import { wrap } from '../reporters/page.ts';
import { pageFor } from '../terminal.ts';

type Exported = Extract<ExportReport, { kind: 'exported' }>;

/** Operators that are listed by name. */
const listedOperators = 8;

function describe({ name, dataType, dims }: NamedValue): string {
  return `${name}: ${dataType}[${dims.map((dim) => dim ?? '?').join(',')}]`;
}

function summaryText(report: Exported, file: string, context: Context): string {
  const page = pageFor(context, context.stdout);
  const { ink } = page;
  const { summary, largestError, graph, graphs, notes } = report;
  const operators = Object.entries(summary.operators);
  const listed = operators.slice(0, listedOperators).map(([name, count]) => `${count} ${name}`);
  const rest = operators.length - listed.length;
  const row = (label: string, text: string): string[] =>
    wrap(page, text, `  ${label.padEnd(9)}`, ' '.repeat(11));
  const lines = [
    `${ink.good('exported')} ${graph} ${ink.dim(graphs === 1 ? '(the only graph)' : `(of ${graphs} graphs)`)} to ${ink.place(file)}`,
    ...row('inputs', summary.inputs.map(describe).join(', ') || 'none'),
    ...row('outputs', summary.outputs.map(describe).join(', ')),
    ...row('weights', `${summary.initializers} initializers, ${formatBytes(summary.weightBytes)}`),
    ...row(
      'ops',
      `${summary.nodeCount}: ${listed.join(', ')}${rest > 0 ? `, ${rest} more kinds` : ''} (ONNX opset ${summary.opset})`,
    ),
    ...row(
      'checked',
      largestError === undefined
        ? 'legal, and accepted by onnxruntime'
        : `legal, and run on onnxruntime: largest difference to eager kernels ${largestError.toPrecision(2)}`,
    ),
    ...notes.flatMap((note) => wrap(page, note, ink.fair('  note     '), ' '.repeat(11))),
  ];
  return `${lines.join('\n')}\n`;
}

function failure(report: ExportReport): never {
  const { code, message, hint } = report as Extract<ExportReport, { kind: 'failed' }>;
  throw new UserError(message, { code, ...(hint === undefined ? {} : { hint }) });
}

export const exportCommand: Command = defineCommand({
  name: 'export',
  summary: 'Write a captured graph as a standalone .onnx model',
  usage: '[flags] <script> [args...] | <trace.jsonl>',
  details: [
    'Runs the program and writes one of its graphs when it ends: weights are initializers, what the program feeds is an input, sizes that were captured with different values stay open. The model is compared with the eager kernels on the last values that the program fed.',
    'A trace holds no weights: they become inputs of the model.',
  ],
  flags: {
    graph: {
      type: 'string',
      value: '<id>',
      help: 'Graph to write, as `explain` names them (default: the one with most work)',
    },
    output: {
      type: 'string',
      short: 'o',
      value: '<file>',
      help: 'File to write (default: <script>.onnx here)',
    },
    inputs: {
      type: 'string',
      value: '<names>',
      help: 'Tensors that are inputs, with commas between; all others are weights',
    },
    json: { type: 'boolean', help: 'Print the summary as JSON' },
    ...programFlags,
  },
  examples: [
    { command: 'fullgraph export predict.js -o model.onnx', help: 'flags may stand before the script, too' },
    { command: 'fullgraph export --graph g3 train.ts --epochs 1', help: '--epochs is for train.ts' },
    { command: 'fullgraph export run.jsonl --graph g2', help: 'the structure alone, out of a trace' },
  ],
  async run({ values, positionals, rest }, context) {
    const input = await findInput(positionals, rest, context);
    if (input.kind !== 'script' && input.kind !== 'trace') {
      throw new UserError(`${positionals[0]} is neither a program nor a trace of one`, {
        code: 'FG5012',
        hint: 'Name a .ts or .js program, or a trace of `fullgraph run --trace-out`.',
      });
    }
    const source = input.kind === 'script' ? input.file : input.path;
    const file = values.output ?? `${basename(source).replace(/\.[^.]+$/, '')}.onnx`;
    const target = resolve(context.cwd, file);
    let report: ExportReport;
    if (input.kind === 'trace') {
      report = await exportTrace(input, target, values.graph, context);
    } else {
      await checkScript(input.file, context.cwd);
      const folder = await mkdtemp(join(tmpdir(), 'fullgraph-export-'));
      const path = join(folder, 'report.json');
      try {
        const { exitCode } = await runHosted(
          {
            file: input.file,
            arguments: input.arguments,
            options: {
              ...toHostOptions(values, undefined, context.cwd),
              exportModel: {
                file: target,
                report: path,
                ...(values.graph === undefined ? {} : { graph: values.graph }),
                ...(values.inputs === undefined
                  ? {}
                  : { inputs: values.inputs.split(',').map((name) => name.trim()) }),
              },
            },
            stdout: 'stderr',
          },
          context,
        );
        const text = await readFile(path, 'utf8').catch(() => undefined);
        // A program that was killed, or that Node refused, left no account.
        if (text === undefined) return exitCode === 0 ? 1 : exitCode;
        report = JSON.parse(text) as ExportReport;
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    }
    if (report.kind !== 'exported') return failure(report);
    const { kind: _, ...facts } = report;
    await print(
      context.stdout,
      values.json === true
        ? `${JSON.stringify({ file, ...facts }, null, 2)}\n`
        : summaryText(report, file, context),
    );
    return 0;
  },
});
