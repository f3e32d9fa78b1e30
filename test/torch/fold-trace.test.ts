import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { foldTrace } from '../../src/torch/fold-trace.ts';
import type { Compilation, TorchTrace } from '../../src/torch/model.ts';
import { outcomeOf } from '../../src/torch/outcome.ts';
import { readTorchTrace } from '../../src/torch/index.ts';
import { torchFixture } from './support/fixture.ts';
import { trieStatus } from './support/ground-truth.ts';
import { breakText, guardTree, LogWriter, tensorGuard, type Frame } from './support/make-log.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fullgraph-fold-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

async function fold(log: LogWriter | string): Promise<TorchTrace> {
  async function* stdin(): AsyncGenerator<Buffer> {
    yield Buffer.from(typeof log === 'string' ? log : log.text);
  }
  return foldTrace(['-'], { stdin: stdin() });
}

async function compilations(log: LogWriter): Promise<readonly Compilation[]> {
  return (await fold(log)).processes[0]!.compilations;
}

const call: readonly Frame[] = [
  ['/srv/train.py', 3, '<module>', 'model(x)'],
  ['/srv/model.py', 10, 'forward'],
];
const site = { file: '/srv/model.py', line: 14, function: 'forward', code: 'if y.sum() > 0:' };
const ok = { co_name: 'forward', co_filename: '/srv/model.py', co_firstlineno: 10, graph_op_count: 3 };

describe('ids', () => {
  test('that start over after a reset become compilations of their own', async () => {
    const log = new LogWriter();
    for (let round = 0; round < 3; round++) {
      log
        .event('dynamo', 'B', round, '0/0')
        .start('0/0', call)
        .metrics('0/0', ok)
        .event('dynamo', 'E', round + 0.5, '0/0');
    }
    const all = await compilations(log);
    expect(all.map((compile) => [compile.key, compile.state])).toEqual([
      ['0/0', 'ended'],
      ['0/0#2', 'ended'],
      ['0/0#3', 'ended'],
    ]);
  });

  test('of reasons that precede their compilation belong to it, also after a reset', async () => {
    const log = new LogWriter();
    for (const value of [1, 2]) {
      log.start('0/0', call).metrics('0/0', ok);
      log
        .artifact('recompile_reasons', `["0/0: k == ${value}"]`, '0/1', 'json')
        .start('0/1', call)
        .metrics('0/1', ok);
    }
    const all = await compilations(log);
    expect(
      all.map((compile) => [compile.key, compile.recompileReasons.map((reason) => reason.guard)]),
    ).toEqual([
      ['0/0', []],
      ['0/1', ['k == 1']],
      ['0/0#2', []],
      ['0/1#2', ['k == 2']],
    ]);
  });

  test('of runtime records without an attempt are attempt 0', async () => {
    const log = new LogWriter().start('0/0', call).metrics('0/0', ok);
    log.raw(
      new LogWriter()
        .record('compilation_metrics_runtime', { runtime_cudagraphify_time_us: 2000 }, { id: '0/0' })
        .text.trimEnd()
        .replace(',"attempt":0', ''),
    );
    const [compile] = await compilations(log);
    expect(compile!.runtime?.cudagraphifyMs).toBe(2);
  });
});

describe('restarts', () => {
  test('are joined with the break that caused them, by reason and attempt', async () => {
    const log = new LogWriter()
      .start('0/0', call)
      .artifact('dynamo_graph_break_reason', breakText(site, 'First kind'), '0/0')
      .artifact('dynamo_graph_break_reason', breakText({ ...site, line: 15 }, 'Second kind'), '0/0_1')
      .metrics('0/0_2', {
        ...ok,
        restart_reasons: ['Second kind\n  Explanation: E', 'First kind\n  Explanation: E'],
      });
    const [compile] = await compilations(log);
    expect(compile!.restarts.map((restart) => restart.cause?.site?.line)).toEqual([15, 14]);
    expect([compile!.attempts, trieStatus(compile!)]).toEqual([2, 'break']);
  });

  test('without a break of their own are told apart', async () => {
    const log = new LogWriter()
      .start('0/0', call)
      .artifact('dynamo_graph_break_reason', breakText(site, 'A kind'), '0/0')
      .metrics('0/0_2', { ...ok, restart_reasons: ['A kind', 'UnspecializeRestartAnalysis'] });
    const [compile] = await compilations(log);
    expect(compile!.restarts.map((restart) => restart.cause !== undefined)).toEqual([true, false]);
    expect(compile!.breaks).toHaveLength(1);
  });

  test('of old logs become breaks, at the line where the function resumes', async () => {
    const resumed: readonly Frame[] = [
      call[0]!,
      ['/srv/model.py', 14, 'torch_dynamo_resume_in_forward_at_14'],
    ];
    const log = new LogWriter()
      .start('0/0', call)
      .metrics('0/0_1', { ...ok, restart_reasons: ["'skip function graph_break'"] })
      .start('1/0', resumed)
      .metrics('1/0', { ...ok, co_name: 'torch_dynamo_resume_in_forward_at_14', co_firstlineno: 14 });
    const trace = await fold(log);
    expect(trace.breaksFromRestarts).toBe(true);
    expect(trace.processes[0]!.compilations[0]!.breaks).toMatchObject([
      { type: 'skip function graph_break', evidence: 'restart', site: { file: '/srv/model.py', line: 14 } },
    ]);
  });
});

describe('the outcome', () => {
  const skip =
    'Failed to handle graph break gracefully. Skipping the function and falling back to eager. Graph break encountered:\n\nUnsupported context manager';
  test.each([
    ['ok', (log: LogWriter) => log.metrics('0/0', ok), 'ok', undefined],
    [
      'break',
      (log: LogWriter) =>
        log.artifact('dynamo_graph_break_reason', breakText(site, 'K'), '0/0').metrics('0/0', ok),
      'break',
      'K at /srv/model.py:14',
    ],
    [
      'empty',
      (log: LogWriter) => log.metrics('0/0', { ...ok, graph_op_count: 0 }),
      'empty',
      'no tensor operation to compile',
    ],
    [
      'skipped',
      (log: LogWriter) =>
        log.artifact('dynamo_graph_break_reason', breakText(site, skip), '0/0').metrics('0/0', {
          ...ok,
          fail_type: "<class 'torch._dynamo.exc.Unsupported'>",
          fail_reason: 'Unsupported context manager',
        }),
      'skipped',
      'Unsupported context manager at /srv/model.py:14',
    ],
    [
      'limit',
      (log: LogWriter) =>
        log.metrics('0/0', {
          fail_type: 'Unsupported',
          fail_reason: 'Dynamo recompile limit exceeded\n  Explanation: E',
        }),
      'skipped',
      'recompile limit reached: every later new call runs eager',
    ],
    [
      'fullgraph limit',
      (log: LogWriter) =>
        log.metrics('0/0', {
          fail_type: 'FailOnRecompileLimitHit',
          fail_reason: 'Hard failure due to fullgraph=True',
        }),
      'error',
      'recompile limit reached under fullgraph=True: FailOnRecompileLimitHit',
    ],
    [
      'backend',
      (log: LogWriter) =>
        log.metrics('0/0', {
          fail_type: 'BackendCompilerFailed',
          fail_reason: "backend='x' raised:\nRuntimeError: no",
        }),
      'error',
      "BackendCompilerFailed: backend='x' raised: RuntimeError: no",
    ],
    [
      'fullgraph break',
      (log: LogWriter) =>
        log.metrics('0/0', {
          fail_type: 'Unsupported',
          fail_reason: 'K\n  Explanation: E',
          fail_user_frame_filename: '/srv/model.py',
          fail_user_frame_lineno: 25,
        }),
      'error',
      'Unsupported: K at /srv/model.py:25',
    ],
    ['missing', (log: LogWriter) => log, 'missing', 'the log ends before this compilation does'],
  ])('%s', async (_, write, status, reason) => {
    const [compile] = await compilations(write(new LogWriter().start('0/0', call)));
    const outcome = outcomeOf(compile!);
    expect([outcome.status, outcome.reason]).toEqual([status, reason]);
  });
});

test('inputs are described with their sources, huge ids and NaN included', async () => {
  const log = new LogWriter().start('0/0', call).input('0/0', 7, 0, "L['x']", [4, 8], {
    dtype: 'torch.bfloat16',
    device: "device(type='cuda', index=1)",
    requires_grad: true,
  });
  log.raw(
    'V1120 09:00:00.000000 1 torch/x.py:1] {"describe_tensor": {"id": 94196473547776123456, "describer_id": 7, "size": [2], "stride": [1], "scale": NaN}, "frame_id": 0, "frame_compile_id": 0, "attempt": 0}',
  );
  log.raw(
    'V1120 09:00:00.000000 1 torch/x.py:1] {"describe_source": {"id": 94196473547776123456, "describer_id": 7, "source": "L[\'y\']"}, "frame_id": 0, "frame_compile_id": 0, "attempt": 0}',
  );
  const [compile] = await compilations(log.metrics('0/0', ok));
  expect([...compile!.inputs.values()]).toMatchObject([
    {
      source: "L['x']",
      dtype: 'bfloat16',
      device: 'cuda:1',
      size: [4, 8],
      stride: [8, 1],
      requiresGrad: true,
    },
    { source: "L['y']", size: [2] },
  ]);
});

test('a log that several ranks share is split by rank', async () => {
  const logs = [0, 1].map((rank) => new LogWriter({ rank }).start('0/0', call).metrics('0/0', ok).text);
  const trace = await fold(logs.join(''));
  expect(trace.processes.map((process) => [process.rank, process.compilations.length])).toEqual([
    [0, 1],
    [1, 1],
  ]);
  expect(trace.processes[0]!.counts.otherRank).toBe(2);
});

test('unknown kinds, fields and records without a kind are kept and counted', async () => {
  const log = new LogWriter()
    .record('hologram', { depth: 3 }, { id: '0/0', payload: 'pixels' })
    .record('hologram', {});
  log.raw('V1120 09:00:00.000000 1 torch/x.py:1] {"frame_id": 0, "frame_compile_id": 0}');
  log.raw('V1120 09:00:00.000000 1 torch/x.py:1] {"shard": 1, "link": {"name": "n", "url": "https://x"}}');
  const [process] = (await fold(log)).processes;
  expect(process!.unknownKinds).toEqual([{ kind: 'hologram', count: 2, sample: '{"depth":3}' }]);
  expect(process!.compilations[0]!.attachments).toMatchObject([{ name: 'hologram', text: 'pixels' }]);
  expect([process!.counts.withoutKind, process!.counts.extraKeys.get('shard')]).toEqual([1, 1]);
});

test('names that every object has are no kinds or artifacts', async () => {
  const log = new LogWriter()
    .record('constructor', {}, { payload: 'x' })
    .artifact('toString', 'y')
    .artifact('__proto__', 'z');
  const [process] = (await fold(log)).processes;
  expect(process!.attachments.map((item) => item.name)).toEqual(['constructor', 'toString', '__proto__']);
});

test('executions count runs per graph', async () => {
  const log = new LogWriter().start('0/0', call).metrics('0/0', ok).start('0/1', call).metrics('0/1', ok);
  log.artifact(
    'inductor_graph_execution',
    '{"graph_execution_order": [{"compile_id": "0/1"}, {"compile_id": "0/1"}]}',
    undefined,
    'json',
  );
  expect((await compilations(log)).map((compile) => compile.runs)).toEqual([0, 2]);
});

test('caches, guards and backward time are taken in', async () => {
  const log = new LogWriter()
    .start('0/0', call)
    .record(
      'dynamo_cpp_guards_str',
      {},
      {
        id: '0/0',
        payload: guardTree([tensorGuard("L['x']", [4]), "TYPE_MATCH: ___check_type_id(L['x'], 1)"], 21),
      },
    )
    .artifact('fx_graph_cache_miss', '{}', '0/0', 'json')
    .artifact('aotautograd_cache_bypass', '{"cache_bypass_reason": "custom op"}', '0/0', 'json')
    .metrics('0/0', ok)
    .record('bwd_compilation_metrics', { entire_frame_compile_time_s: 0.5 }, { id: '0/0' });
  const [compile] = await compilations(log);
  expect(compile).toMatchObject({
    guards: { count: 2, latencyUs: 21 },
    backwardMs: 500,
    cacheBypassReasons: ['custom op'],
  });
  expect([...compile!.caches]).toEqual([
    ['fx graph miss', 1],
    ['aot autograd bypass', 1],
  ]);
});

test('any damage to a log leaves a readable trace', async () => {
  const bytes = Buffer.from(torchFixture()[1]![1]);
  const path = join(folder, 'damaged.log');
  await fc.assert(
    fc.asyncProperty(
      fc.nat(bytes.length),
      fc.nat(3000),
      fc.uint8Array({ maxLength: 300 }),
      async (start, length, insert) => {
        writeFileSync(
          path,
          Buffer.concat([bytes.subarray(0, start), insert, bytes.subarray(start + length)]),
        );
        for (const scrub of [false, true]) {
          for await (const record of readTorchTrace(path, { scrub })) JSON.stringify(record);
        }
      },
    ),
    { numRuns: 60 },
  );
});

test('any JSON in any record leaves a readable trace', async () => {
  const kinds = [
    'dynamo_start',
    'describe_tensor',
    'describe_source',
    'artifact',
    'dynamo_output_graph',
    'dynamo_cpp_guards_str',
    'compilation_metrics',
    'chromium_event',
    'create_symbol',
    'guard_added',
    'link',
    'str',
    'symbolic_shape_specialization',
    'propagate_real_tensors_provenance',
    'bwd_compilation_metrics',
  ];
  const names = [
    'recompile_reasons',
    'dynamo_graph_break_reason',
    'dynamo_error',
    'graph_execution',
    'torch_version',
    'fx_graph_cache_bypass',
    'inductor_runtime_and_tensor_meta',
    'inductor_collective_schedule',
  ];
  const value = fc.oneof(
    fc.jsonValue(),
    fc.record({ name: fc.constantFrom(...names) }),
    fc.record({
      stack: fc.jsonValue(),
      user_stack: fc.jsonValue(),
      expr: fc.jsonValue(),
      prefix: fc.constant('eval'),
      restart_reasons: fc.jsonValue(),
      fail_type: fc.jsonValue(),
      fail_reason: fc.jsonValue(),
      sizes: fc.jsonValue(),
    }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom(...kinds), value, fc.option(fc.oneof(fc.string(), fc.json()))), {
        maxLength: 12,
      }),
      async (items) => {
        const log = new LogWriter();
        for (const [kind, body, payload] of items)
          log.record(kind, body, { id: '0/0', ...(payload === null ? {} : { payload }) });
        const path = join(folder, 'odd.log');
        writeFileSync(path, log.text);
        for await (const record of readTorchTrace(path)) JSON.stringify(record);
      },
    ),
    { numRuns: 150 },
  );
});
