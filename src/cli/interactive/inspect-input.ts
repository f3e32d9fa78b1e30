/** The UI on what a command was given: a trace, a trace that still grows, a program that runs meanwhile. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createReportBuilder } from '../../explain/report-builder.ts';
import type { Report } from '../../explain/report.ts';
import { createOutputFold } from '../../ui/live/output-model.ts';
import { checkScript } from '../check-script.ts';
import type { Context, ExitCode } from '../command.ts';
import type { Values } from '../flags.ts';
import type { HostedResult } from '../hosted.ts';
import type { Input } from '../input.ts';
import { loadReport } from '../load-report.ts';
import { print } from '../output.ts';
import { toHostOptions, type programFlags } from '../program-flags.ts';
import type { TraceInput } from '../read-trace.ts';
import { followTrace, watchTrace } from './follow-trace.ts';
import { startProgram } from './live-program.ts';
import { exitCodeOfEnd, loadMount } from './open-ui.ts';
import { missingParts } from './trace-status.ts';
import { openWorkbench, type Workbench } from './workbench.ts';

/** A search that was started from the UI ends with it. */
export async function endOf(bench: Workbench): Promise<ExitCode> {
  try {
    return exitCodeOfEnd(await bench.done);
  } finally {
    bench.search()?.kill();
  }
}

/** Holds a report against a budget when the UI is closed. */
export type Judge = (report: Report) => Promise<ExitCode>;

const acquit: Judge = () => Promise.resolve(0);

/** A trace that is all there, or all that there is. */
export async function inspectTrace(
  input: TraceInput,
  context: Context,
  judge: Judge = acquit,
): Promise<ExitCode> {
  void loadMount();
  const { report } = await loadReport(input, context);
  const isOurs = input.kind === 'trace' && input.bytes === undefined && report.source === 'fullgraph';
  const bench = await openWorkbench(
    { report, status: missingParts(report), ...(isOurs ? { trace: input.path } : {}) },
    context,
  );
  const exitCode = await endOf(bench);
  return exitCode === 0 ? judge(report) : exitCode;
}

/** A trace of ours that somebody is writing: shown from what is there, and as it grows. */
export async function followInput(path: string, context: Context): Promise<ExitCode> {
  const follower = followTrace(path);
  await follower.poll();
  const first = follower.report();
  let isOver = !first.damage.isTruncated;
  const status = (): string => (isOver ? 'the program has ended' : 'following');
  const bench = await openWorkbench({ report: first, status: status(), trace: path }, context);
  const stop = new AbortController();
  const watching = watchTrace(follower, stop.signal, (report) => {
    if (report !== undefined) isOver = !report.damage.isTruncated;
    bench.show(report, status());
  });
  try {
    return await endOf(bench);
  } finally {
    stop.abort();
    await watching.catch(() => undefined);
  }
}

function endWords({ exitCode, signal }: HostedResult): string {
  if (signal !== undefined) return `ended by ${signal}`;
  return exitCode === 0 ? 'ended' : `ended with ${exitCode}`;
}

/**
 * A program under capture, looked at while it runs. What it prints is in the Output view; it has no standard input.
 * @param kept where the trace stays; else it goes with the UI.
 * @param judge of what a program left behind that ran to its end.
 * @returns the program's exit code when it failed.
 */
export async function inspectProgram(
  script: Extract<Input, { kind: 'script' }>,
  values: Values<typeof programFlags>,
  kept: string | undefined,
  context: Context,
  judge: Judge = acquit,
): Promise<ExitCode> {
  await checkScript(script.file, context.cwd);
  const folder = kept === undefined ? await mkdtemp(join(tmpdir(), 'fullgraph-')) : undefined;
  const trace = folder === undefined ? resolve(context.cwd, kept!) : join(folder, 'trace.jsonl');
  const output = createOutputFold();
  const follower = followTrace(trace);
  const startedMs = performance.now();
  let result: HostedResult | undefined;
  const status = (): string =>
    result === undefined
      ? `running ${Math.floor((performance.now() - startedMs) / 1000)} s`
      : endWords(result);
  const bench = await openWorkbench(
    { report: createReportBuilder().report(), status: status(), trace, output },
    context,
  );
  const program = startProgram(
    { file: script.file, arguments: script.arguments, options: toHostOptions(values, trace, context.cwd) },
    context,
    (stream, text) => {
      output.add(stream, text);
      bench.touch();
    },
  );
  const stop = new AbortController();
  const watching = watchTrace(follower, stop.signal, (report) => bench.show(report, status()));
  const ending = program.ended.then(async (ended) => {
    result = ended;
    stop.abort();
    await watching;
    await follower.finish();
    bench.show(follower.report(), status());
  });
  // Looked at when the UI is closed.
  ending.catch(() => bench.show(undefined, 'Node could not be started'));
  try {
    const exitCode = await endOf(bench);
    const wasRunning = program.isRunning();
    await program.stop();
    await ending;
    const report = follower.report();
    const { verdict } = report;
    const cut = wasRunning ? ' (stopped before its end)' : '';
    await print(context.stdout, `${verdict.sentence}${cut}\n`);
    if (exitCode !== 0 || wasRunning) return exitCode;
    return result!.exitCode === 0 ? judge(report) : result!.exitCode;
  } finally {
    stop.abort();
    await program.stop();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
}
