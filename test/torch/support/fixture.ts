/** The job behind `fixtures/traces/torch-two-ranks`: a training step of a small model, as torch would log it. */
import { breakText, fxCode, guardTree, LogWriter, tensorGuard, type Frame } from './make-log.ts';

const model = '/srv/shop/model.py';
const outer: readonly Frame[] = [
  ['/srv/shop/train.py', 30, '<module>', 'main()'],
  ['/srv/shop/train.py', 21, 'main', 'loss = model(batch)'],
  [
    '/opt/venv/lib/python3.12/site-packages/torch/nn/modules/module.py',
    1778,
    '_call_impl',
    'return forward_call(*args)',
  ],
];

const branch = breakText(
  { file: model, line: 14, function: 'forward', code: 'if y.sum() > 0:' },
  'Data-dependent branching',
  {
    explanation: 'Detected data-dependent branching (e.g. `if my_tensor.sum() > 0:`).',
    hints: ['Use `torch.cond` to express dynamic control flow.'],
    context: 'attempted to jump with TensorVariable()',
    gb: '0170',
    outer,
  },
);

const printed = breakText(
  { file: model, line: 18, function: 'torch_dynamo_resume_in_forward_at_14', code: 'print("rank one")' },
  'Failed to trace builtin operator',
  {
    explanation:
      "Dynamo does not know how to trace builtin operator `print` with argument types ['str'] (has_kwargs False)",
    hints: ['Please report an issue to PyTorch.'],
    context: "builtin print [<class 'ConstantVariable'>] False",
    gb: '0059',
    outer,
  },
);

const restart = (type: string): object => ({ restart_reasons: [type], dynamo_time_before_restart_s: 0.004 });

function common(name: string, line: number): object {
  return {
    co_name: name,
    co_filename: model,
    co_firstlineno: line,
    graph_op_count: 2,
    graph_node_count: 4,
    graph_input_count: 1,
    guard_count: 2,
    guard_latency_us: 12,
    start_time: Date.UTC(2026, 10, 20, 9) / 1000,
    entire_frame_compile_time_s: 0.05,
    backend_compile_time_s: 0.03,
    inductor_compile_time_s: 0.02,
    code_gen_time_s: 0.01,
    dynamo_config: '{"recompile_limit": 8}',
    python_version: '3.12.1 (main)',
    has_guarded_code: true,
  };
}

function compileForward(log: LogWriter, batch: number, compile: number): void {
  const id = `0/${compile}`;
  if (compile > 0) {
    log.artifact(
      'recompile_reasons',
      JSON.stringify([
        `0/${compile - 1}: tensor 'x' size mismatch at index 0. expected ${batch - 1}, actual ${batch}`,
      ]),
      id,
      'json',
    );
  }
  const describer = 10 * compile;
  log.start(id, [...outer, [model, 10, 'forward']]).input(id, describer, 0, "L['x']", [batch, 8]);
  log.artifact('dynamo_graph_break_reason', branch, id);
  const last = `${id}_1`;
  const size = compile === 0 ? String(batch) : 's0';
  if (compile > 0)
    log.record(
      'create_symbol',
      { symbol: 's0', val: String(batch), source: "L['x'].size()[0]" },
      { id: last },
    );
  log
    .input(last, describer + 1, 0, "L['x']", [batch, 8])
    .record(
      'dynamo_output_graph',
      { sizes: { l_x_: [batch, 8], y_1: [batch, 8] } },
      { id: last, payload: fxCode(`${size}, 8`, 2, model, 12, 'forward') },
    )
    .record(
      'inductor_output_code',
      { filename: '/tmp/torchinductor/c0.py' },
      { id: last, payload: 'import torch\n\ndef call(args):\n    return args\n' },
    )
    .artifact('fx_graph_runnable', '\nimport torch\n\nprint("graph of forward")\n', last)
    .artifact(compile === 0 ? 'fx_graph_cache_miss' : 'fx_graph_cache_hit', '{"key": "k0"}', last, 'json')
    .record(
      'dynamo_cpp_guards_str',
      {},
      {
        id: last,
        payload: guardTree([
          tensorGuard("L['x']", [compile === 0 ? batch : null, 8]),
          "EQUALS_MATCH: L['self'].mode == 'train'  # mode",
        ]),
      },
    )
    .metrics(last, { ...common('forward', 10), ...restart('Data-dependent branching') });
}

function compileRest(log: LogWriter, rank: number): void {
  const id = '1/0';
  log
    .start(id, [...outer, [model, 14, 'torch_dynamo_resume_in_forward_at_14']])
    .input(id, 5, 0, "L['x']", [4, 8]);
  const last = rank === 1 ? '1/0_1' : '1/0';
  if (rank === 1) log.artifact('dynamo_graph_break_reason', printed, id);
  log
    .record(
      'dynamo_output_graph',
      { sizes: {} },
      { id: last, payload: fxCode('4, 8', 1, model, 16, 'torch_dynamo_resume_in_forward_at_14') },
    )
    .record('dynamo_cpp_guards_str', {}, { id: last, payload: guardTree([tensorGuard("L['x']", [4, 8])]) })
    .metrics(last, {
      ...common('torch_dynamo_resume_in_forward_at_14', 14),
      graph_op_count: 1,
      ...(rank === 1 ? restart('Failed to trace builtin operator') : {}),
    });
}

function compileHelpers(log: LogWriter): void {
  const skipped = breakText(
    { file: model, line: 42, function: 'helper', code: 'with lock:' },
    'Failed to handle graph break gracefully. Skipping the function and falling back to eager. Graph break encountered:\n\nUnsupported context manager',
    { gb: '0142', outer },
  );
  log.start('2/0', [...outer, [model, 40, 'helper']]).artifact('dynamo_graph_break_reason', skipped, '2/0');
  log.metrics('2/0', {
    co_name: 'helper',
    co_filename: model,
    co_firstlineno: 40,
    fail_type: 'Unsupported',
    fail_reason: 'Unsupported context manager',
    fail_user_frame_filename: model,
    fail_user_frame_lineno: 42,
    entire_frame_compile_time_s: 0.002,
  });
  log.start('3/0', [...outer, [model, 60, 'log_only']]).metrics('3/0', {
    co_name: 'log_only',
    co_filename: model,
    co_firstlineno: 60,
    graph_op_count: 0,
    entire_frame_compile_time_s: 0.001,
  });
}

function rankLog(rank: number): string {
  const log = new LogWriter({ rank });
  log.artifact('torch_version', '{"pytorch_version": "2.13.0"}', undefined, 'json');
  log.event('dynamo', 'B', 4, '0/0').event('entire_frame_compile', 'B', 5, '0/0');
  compileForward(log, 4, 0);
  log.event('entire_frame_compile', 'E', 15, '0/0').event('dynamo', 'E', 16, '0/0');
  compileRest(log, rank);
  compileForward(log.wait(20), 5, 1);
  compileHelpers(log);
  log.artifact(
    'graph_execution',
    JSON.stringify({ graph_execution_order: ['0/0', '1/0', '0/1', '1/0'].map((id) => ({ compile_id: id })) }),
    undefined,
    'json',
  );
  log.record('brand_new_kind', { since: 'next year' }, { payload: 'text of a kind that nobody knows yet' });
  return log.text;
}

/** File names and contents. */
export function torchFixture(): readonly (readonly [string, string])[] {
  return [0, 1].map(
    (rank) => [`dedicated_log_torch_trace_rank_${rank}_f1x7ure${rank}.log`, rankLog(rank)] as const,
  );
}
