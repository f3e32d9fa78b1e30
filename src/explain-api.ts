/** `explain`: a program, a trace or PyTorch's logs → the report that the command line and the UI show. */
import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { readRecordLine } from './explain/check-record.ts';
import { createReportBuilder } from './explain/report-builder.ts';
import type { Report } from './explain/report.ts';
import { optionsVariable, type HostOptions } from './host/options.ts';
import { EnvironmentError, UserError } from './ir/errors.ts';
import type { TraceRecord } from './ir/record.ts';
import { ownModule } from './own-files.ts';
import { isTorchTrace, readTorchTrace } from './torch/index.ts';

export interface ExplainOptions extends Omit<HostOptions, 'exportModel' | 'explain' | 'disable'> {
  /** Arguments of the program. */
  readonly arguments?: readonly string[];
  /** Working directory of the program; default: ours. */
  readonly cwd?: string;
  /** Environment of the program; default: ours. */
  readonly env?: NodeJS.ProcessEnv;
  /** Where the program's standard output and errors go. Default `inherit`. */
  readonly output?: 'inherit' | 'ignore';
}

const scriptName = /\.[mc]?[jt]sx?$/i;

const registerUrl = ownModule('register').href;

/** Runs the program with its trace written to a file. Resolves when it has ended, however it ended. */
function runProgram(file: string, traceFile: string, options: ExplainOptions): Promise<void> {
  const {
    arguments: words = [],
    cwd = process.cwd(),
    env = process.env,
    output = 'inherit',
    ...host
  } = options;
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [...process.execArgv, '--import', registerUrl, file, ...words], {
      cwd,
      env: { ...env, [optionsVariable]: JSON.stringify({ ...host, traceFile }) },
      stdio: ['ignore', output, output],
    });
    child.once('exit', () => done());
    child.once('error', (cause) =>
      fail(
        new EnvironmentError(`cannot start Node for ${file}: ${cause.message}`, {
          code: 'FG5014',
          hint: 'Check the working directory and the memory limits of this process.',
          cause,
        }),
      ),
    );
  });
}

async function reportOfFile(path: string): Promise<Report> {
  const builder = createReportBuilder();
  const file = createReadStream(path);
  const text: Readable = path.endsWith('.gz') ? file.pipe(createGunzip()) : file;
  let records = 0;
  try {
    await new Promise<void>((done, fail) => {
      file.once('error', fail);
      text.once('error', fail);
      createInterface({ input: text, crlfDelay: Infinity })
        .on('line', (line) => {
          const read = readRecordLine(line);
          if (read.kind === 'record') records++;
          builder.addLine(read);
        })
        .once('close', done);
    });
  } catch (cause) {
    throw new UserError(`cannot read the trace ${path}: ${(cause as Error).message}`, {
      code: 'FG5013',
      hint: 'Name a program, or a trace that `fullgraph run --trace-out` wrote.',
      cause,
    });
  }
  if (records > 0) return builder.report();
  throw new UserError(`${path} holds no record of a trace`, {
    code: 'FG5013',
    hint: 'Name a program, or a trace that `fullgraph run --trace-out` wrote.',
  });
}

/**
 * The report of a program that is run now, of a trace, of PyTorch's TORCH_TRACE logs, or of records.
 * @param input path of a program or a trace, or records in their order.
 * @param options how a program is run; without meaning for traces.
 * @throws FG5013 when a trace cannot be read, FG5014 when Node cannot be started.
 */
export async function explain(
  input: string | Iterable<TraceRecord> | AsyncIterable<TraceRecord>,
  options: ExplainOptions = {},
): Promise<Report> {
  if (typeof input !== 'string') return reportOfRecords(input);
  const path = resolve(options.cwd ?? process.cwd(), input);
  if (!scriptName.test(path)) {
    return (await isTorchTrace(path)) ? reportOfRecords(readTorchTrace(path)) : reportOfFile(path);
  }
  if (options.traceFile !== undefined) {
    await runProgram(path, options.traceFile, options);
    return reportOfFile(options.traceFile);
  }
  const folder = await mkdtemp(join(tmpdir(), 'fullgraph-'));
  try {
    const traceFile = join(folder, 'trace.jsonl');
    await runProgram(path, traceFile, options);
    return await reportOfFile(traceFile);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function reportOfRecords(records: Iterable<TraceRecord> | AsyncIterable<TraceRecord>): Promise<Report> {
  const builder = createReportBuilder();
  for await (const record of records) builder.add(record);
  return builder.report();
}
