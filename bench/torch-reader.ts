/**
 * How fast and in how much memory a PyTorch log becomes records: `npx tsx bench/torch-reader.ts [megabytes] [log...]`.
 * Writes logs of that size to a temporary folder (a mix like a real training run's, the same text plain and gzipped, and
 * one that is nothing but tiny records), or takes the given ones repeated up to that size. Each is read in a child
 * process of its own; prints a table.
 */
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { breakText, fxCode, guardTree, LogWriter, tensorGuard } from '../test/torch/support/make-log.ts';

interface Measured {
  readonly records: number;
  readonly traceRecords: number;
  readonly ms: number;
  readonly maxRssBytes: number;
}

/** One compilation with texts as large as those of a small transformer. */
function compilation(frame: number, round: number): string {
  const log = new LogWriter({ rank: 0 });
  const id = `${frame}/${round}`;
  const file = '/srv/app/model.py';
  const config = JSON.stringify(
    Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`option_${index}`, index % 2 === 0])),
  );
  log.event('dynamo', 'B', 0, id).event('entire_frame_compile', 'B', 1, id);
  if (round > 0)
    log.artifact(
      'recompile_reasons',
      JSON.stringify([
        `${frame}/${round - 1}: tensor 'x' size mismatch at index 0. expected ${round}, actual ${round + 1}`,
      ]),
      id,
      'json',
    );
  log.start(id, [
    ['/srv/app/train.py', 30, '<module>', 'main()'],
    [file, 10 + frame, 'forward'],
  ]);
  for (let index = 0; index < 40; index++)
    log.input(id, 2 * round, index, `L['self']._modules['layer_${index}']._parameters['weight']`, [64, 64], {
      is_parameter: true,
    });
  log.input(id, 2 * round, 40, "L['x']", [round + 1, 64]);
  log.artifact(
    'dynamo_graph_break_reason',
    breakText(
      { file, line: 14 + frame, function: 'forward', code: 'if y.sum() > 0:' },
      'Data-dependent branching',
      { gb: '0170' },
    ),
    id,
  );
  const last = `${id}_1`;
  log.record(
    'dynamo_output_graph',
    { sizes: { l_x_: [round + 1, 64] } },
    { id: last, payload: fxCode(`${round + 1}, 64`, 60, file, 12, 'forward') },
  );
  for (const kind of ['aot_forward_graph', 'aot_backward_graph', 'inductor_post_grad_graph'])
    log.record(kind, {}, { id: last, payload: fxCode('4, 64', 90, file, 12, 'forward') });
  log.record(
    'inductor_output_code',
    { filename: '/tmp/c.py' },
    {
      id: last,
      payload: Array.from(
        { length: 500 },
        (_, index) => `    tmp${index} = tl.load(in_ptr0 + (x${index % 7}), xmask)  # ${frame}`,
      ).join('\n'),
    },
  );
  log.artifact('fx_graph_runnable', fxCode('4, 64', 120, file, 12, 'forward'), last);
  const guards = Array.from(
    { length: 300 },
    (_, index) =>
      `TYPE_MATCH: ___check_type_id(L['self']._modules['layer_${index}'], 9419647354${index}), type=<class 'torch.nn.Linear'>  # y = self.layer(x)  # app/model.py:12 in forward`,
  );
  log.record(
    'dynamo_cpp_guards_str',
    {},
    { id: last, payload: guardTree([...guards, tensorGuard("L['x']", [round + 1, 64])]) },
  );
  for (let index = 0; index < 40; index++)
    log.event('pass', 'B', 2 + index, id).event('pass', 'E', 2.5 + index, id);
  log
    .event('entire_frame_compile', 'E', 90, id, { dynamo_config: config })
    .event('dynamo', 'E', 91, id, { dynamo_config: config });
  log.metrics(last, {
    co_name: 'forward',
    co_filename: file,
    co_firstlineno: 10 + frame,
    graph_op_count: 60,
    restart_reasons: ['Data-dependent branching'],
    entire_frame_compile_time_s: 0.09,
    dynamo_config: config,
    inductor_config: config,
  });
  return log.text;
}

function writeMix(path: string, bytes: number): void {
  const file = openSync(path, 'w');
  for (let written = 0, index = 0; written < bytes; index++)
    written += writeSync(file, compilation(Math.floor(index / 8), index % 8));
  closeSync(file);
}

function writeTiny(path: string, bytes: number): void {
  const log = new LogWriter({ rank: 0 });
  for (let index = 0; index < 2000; index++)
    log.record('describe_storage', { id: index, describer_id: 0, size: 4096 }, { id: '0/0' });
  const file = openSync(path, 'w');
  for (let written = 0; written < bytes;) written += writeSync(file, log.text);
  closeSync(file);
}

function repeat(source: string, path: string, bytes: number): void {
  const text = readFileSync(source);
  const file = openSync(path, 'w');
  for (let written = 0; written < bytes;) written += writeSync(file, text);
  closeSync(file);
}

function measure(path: string): Measured {
  const child = join(import.meta.dirname, 'torch-reader-child.ts');
  const output = execFileSync(process.execPath, ['--import', 'tsx', child, path], {
    encoding: 'utf8',
    maxBuffer: 1 << 24,
  });
  return JSON.parse(output) as Measured;
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell, index) => (index === 0 ? cell.padEnd(36) : cell.padStart(12))).join(' | ')} |`;
}

function main(): void {
  const megabytes = Number(process.argv[2] ?? 100);
  const bytes = megabytes * 1e6;
  const folder = mkdtempSync(join(tmpdir(), 'fullgraph-torch-bench-'));
  try {
    const given = process.argv.slice(3).map((source) => {
      const path = join(folder, basename(source));
      repeat(source, path, bytes);
      return { title: `${basename(source)}, repeated`, path };
    });
    const mix = join(folder, 'mix.log');
    const packed = join(folder, 'mix.log.gz');
    const tiny = join(folder, 'tiny.log');
    writeMix(mix, bytes);
    writeFileSync(packed, gzipSync(readFileSync(mix), { level: 6 }));
    writeTiny(tiny, bytes);
    const cases = [
      { title: 'a training run', path: mix },
      { title: 'a training run, gzipped', path: packed },
      { title: 'tiny records only', path: tiny },
      ...given,
    ];
    console.log(row(['log', 'file MB', 'log records', 'records', 'seconds', 'peak RSS MB']));
    console.log(row(['---', '---:', '---:', '---:', '---:', '---:']));
    for (const { title, path } of cases) {
      const { records, traceRecords, ms, maxRssBytes } = measure(path);
      console.log(
        row([
          title,
          (statSync(path).size / 1e6).toFixed(1),
          String(records),
          String(traceRecords),
          (ms / 1000).toFixed(2),
          (maxRssBytes / 1e6).toFixed(0),
        ]),
      );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

main();
