/** `fullgraph minify`: a failing program, model or captured graph → a folder with the smallest one that fails the same way. */
import { relative } from 'node:path';
import { UserError } from '../../ir/errors.ts';
import type { MinifyRecord } from '../../ir/record.ts';
import type { MinifyOnnxResult } from '../../minifier/graph/minify-onnx.ts';
import { minifyProgram, type MinifyResult } from '../../minifier/minify-program.ts';
import { minifyFlags, parseMinifyOptions } from '../../minifier/options.ts';
import { printOnnx } from '../../onnx/index.ts';
import { listBackends } from '../../session.ts';
import { formatSignature } from '../../minifier/verdict.ts';
import { checkScript } from '../check-script.ts';
import { defineCommand, type Command, type Context } from '../command.ts';
import type { Flag, Flags } from '../flags.ts';
import { findInput, type Input } from '../input.ts';
import { drawnForModel, drawnForTrace } from '../interactive/drawn-values.ts';
import { graphFlags, minifyGraph } from '../minify-graph.ts';
import { inspectSearch, wordsOf } from '../interactive/inspect-search.ts';
import { isInteractive } from '../interactive/open-ui.ts';
import { controlSearch } from '../interactive/search-control.ts';
import { createProgress, print } from '../output.ts';
import { sparkline } from '../../ui/parts/sparkline.ts';

const minifierFlags: Flags = Object.fromEntries(
  minifyFlags.map((flag): [string, Flag] => [
    flag.name,
    { type: flag.type, help: flag.description, ...(flag.value === undefined ? {} : { value: flag.value }) },
  ]),
);

/** Names of `--backend` that capture and compile a program. */
function compileBackends(): string[] {
  return listBackends().map(({ name }) => name);
}

const curveWidth = 16;

/** Sizes of the best so far as a curve, on a logarithmic scale: the last tokens matter as well. */
export function sizeCurve(sizes: readonly number[]): string {
  const top = Math.log1p(sizes[0] ?? 0);
  const step = Math.max(1, sizes.length / curveWidth);
  const shares = Array.from({ length: Math.min(curveWidth, sizes.length) }, (_, index) => {
    const at = Math.min(sizes.length - 1, Math.floor((index + 1) * step) - 1);
    return top === 0 ? 0 : Math.log1p(sizes[at]!) / top;
  });
  return sparkline(shares);
}

/** What the line of progress is made of. */
export interface Progress {
  trials: number;
  accepted: number;
  unit: string;
  /** Of the original and of each best so far. */
  readonly sizes: number[];
}

/** One line of progress; undefined for events that need none. */
export function progressLine(record: MinifyRecord, progress: Progress): string | undefined {
  const { sizes } = progress;
  switch (record.kind) {
    case 'minify-start':
      progress.unit = record.unit;
      sizes.push(record.size);
      return undefined;
    case 'minify-best':
      sizes.push(record.size);
      return undefined;
    case 'minify-trial': {
      progress.trials++;
      if (record.outcome === 'accepted') progress.accepted++;
      const { trials, accepted, unit } = progress;
      return `${sizeCurve(sizes)} ${sizes.at(-1)} ${unit} · ${trials} trials, ${accepted} accepted · ${record.pass}`;
    }
    default:
      return undefined;
  }
}

/** Exceptions that any program throws when parts of it are missing: the report does not list them either. */
const artefact = /^crash: (?:Type|Reference|Syntax|Range|Value)?Error: /;

/** Lines that stay. */
function newsLine(record: MinifyRecord): string | undefined {
  switch (record.kind) {
    case 'minify-start':
      return `${record.input}: ${record.signature} (${record.size} ${record.unit})`;
    case 'minify-stage':
      return `${record.name}: ${record.verdict}`;
    case 'minify-slip':
      return artefact.test(record.signature)
        ? undefined
        : `another failure on the way, kept aside: ${record.signature}`;
    default:
      return undefined;
  }
}

type Unit = Extract<MinifyRecord, { kind: 'minify-start' }>['unit'];

/** What is printed at the end, of either kind of search. */
interface Found extends Pick<
  MinifyResult,
  'signature' | 'sizeBefore' | 'sizeAfter' | 'trials' | 'durationMs' | 'end' | 'isVerified'
> {
  readonly unit: Unit;
  readonly culprit: string | undefined;
  readonly directory: string | undefined;
  /** Beside a program lies the model that fails by itself. */
  readonly hasModel?: boolean;
  readonly texts: readonly string[];
}

function foundProgram(result: MinifyResult): Found {
  return { ...result, unit: 'tokens', texts: Object.values(result.files) };
}

function foundGraph(result: MinifyOnnxResult): Found {
  return { ...result, unit: 'nodes', culprit: result.introducedBy, texts: [printOnnx(result.best.model)] };
}

function summary(result: Found, context: Context): string {
  const verdict = result.isVerified
    ? 'it fails the same way from there in a fresh process'
    : 'it did NOT fail the same way from there: look before you file it';
  const seconds = (result.durationMs / 1000).toFixed(1);
  return [
    formatSignature(result.signature),
    `${result.sizeBefore} → ${result.sizeAfter} ${result.unit} in ${result.trials} trials, ${seconds} s (${result.end})`,
    ...(result.culprit === undefined ? [] : [`introduced by: ${result.culprit}`]),
    '',
    ...result.texts,
    `${relative(context.cwd, result.directory ?? '') || '.'}: ${verdict}`,
    ...(result.hasModel === true
      ? ['model.onnx in there fails by itself, without tfjs: node repro-onnx.mjs']
      : []),
    ...(result.end === 'fixed-point'
      ? []
      : ['It may get smaller: the same command with --resume goes on from there.']),
    '',
  ].join('\n');
}

/** On which values a graph runs; a program has its own. */
function drawnFor(input: Input, inputs: unknown): { readonly values?: string } {
  if (input.kind === 'trace') return { values: drawnForTrace };
  return input.kind === 'model' ? { values: drawnForModel(inputs as string | undefined) } : {};
}

export const minifyCommand: Command = defineCommand({
  name: 'minify',
  summary: 'Shrink a failing program or model to a repro that somebody can file',
  usage: '<script | model.onnx | trace.jsonl> [flags] [-- args...]',
  details: [
    'Runs the program in processes of its own, finds out how it fails (crash, wrong numbers, NaN, hang), and looks for the smallest program that still fails the same way. The end is a folder with repro.mjs, package.json and README.md, the text of the bug report, checked in a fresh process.',
    'A model is run on onnxruntime, with its optimizer and without; nodes, inputs, weights and attributes are taken away while it fails the same way, and the optimizer pass that does it is named. A graph of a trace becomes a model first; with the sizes of the run; a trace holds no weights and inputs, so these are drawn from the seed.',
    'Ctrl-C ends it with the best so far; --resume goes on from there. Exit code: 0 when the repro was verified, 1 when not.',
  ],
  flags: {
    ...minifierFlags,
    ...graphFlags,
    interactive: { type: 'boolean', short: 'i', help: 'Watch the search in the terminal UI' },
    json: { type: 'boolean', help: 'Print every event as a line of JSON on standard output' },
  },
  examples: [
    { command: 'fullgraph minify train.ts', help: 'whatever it fails with' },
    {
      command: 'fullgraph minify infer.mjs --backend wasm --reference cpu',
      help: 'where wasm computes something else than cpu',
    },
    {
      command: 'fullgraph minify model.onnx --inputs values.npz',
      help: 'a model, and the optimizer pass to blame',
    },
    {
      command: `fullgraph minify parse.js --fail 'custom:node check.js'`,
      help: 'any JavaScript: the failure is there while the command exits with 0',
    },
  ],
  async run({ values, positionals, rest }, context) {
    const input = await findInput(positionals, rest, context);
    const [word = ''] = positionals;
    if (input.kind === 'torch' || input.kind === 'report') {
      throw new UserError(`${word} is neither a program nor a model nor a trace of fullgraph`, {
        code: 'FG5012',
        hint: 'Name the .ts or .js program that fails, or an .onnx model.',
      });
    }
    if (input.kind === 'script') await checkScript(input.file, context.cwd);
    const { json, interactive } = values as { readonly json?: boolean; readonly interactive?: boolean };
    const isJson = json === true;
    if (interactive === true && !isJson && isInteractive(context)) {
      const words = wordsOf(values, positionals, rest);
      return inspectSearch({ input: word, words, ...drawnFor(input, values['inputs']) }, context);
    }
    const options =
      input.kind === 'script'
        ? parseMinifyOptions(input.file, input.arguments, values, context.cwd, compileBackends())
        : parseMinifyOptions(input.path, [], values, context.cwd, compileBackends());
    const interruption = new AbortController();
    const interrupt = (): void => interruption.abort();
    process.once('SIGINT', interrupt);
    const { gate, now, close } = controlSearch(interruption);
    const progress = createProgress(context.stderr);
    const counts: Progress = { trials: 0, accepted: 0, unit: '', sizes: [] };
    try {
      const control = { signal: interruption.signal, gate, now };
      let result: Promise<Found>;
      let run: AsyncIterable<MinifyRecord>;
      if (input.kind === 'script') {
        const search = minifyProgram(options, control);
        run = search;
        result = search.result.then(foundProgram);
      } else {
        const search = await minifyGraph(input, word, values, options, control, context);
        run = search;
        result = search.result.then(foundGraph);
      }
      // The iteration throws the same.
      result.catch(() => undefined);
      for await (const record of run) {
        if (isJson) await print(context.stdout, `${JSON.stringify(record)}\n`);
        const news = newsLine(record);
        if (news !== undefined) {
          progress.clear();
          await print(context.stderr, `${news}\n`);
        }
        const line = progressLine(record, counts);
        if (line !== undefined) progress.update(line);
      }
      progress.clear();
      const found = await result;
      if (!isJson) await print(context.stdout, summary(found, context));
      return found.isVerified ? 0 : 1;
    } finally {
      process.off('SIGINT', interrupt);
      close();
    }
  },
});
