import { describe, expect, test } from 'vitest';
import { foldTrace } from '../../src/torch/fold-trace.ts';
import { adviceFor, forecast } from '../../src/torch/recompile-advice.ts';
import { familiesOf, type Family } from '../../src/torch/recompiles.ts';
import { guardTree, LogWriter, tensorGuard, type Frame } from './support/make-log.ts';

const call: readonly Frame[] = [['/srv/model.py', 10, 'forward']];
const ok = {
  co_name: 'forward',
  co_filename: '/srv/model.py',
  co_firstlineno: 10,
  graph_op_count: 3,
  dynamo_config: '{"recompile_limit": 4}',
};

interface Step {
  readonly size?: readonly number[];
  readonly more?: object;
  readonly guards?: readonly string[];
  readonly reasons?: readonly string[];
  readonly symbol?: string;
  readonly metrics?: object;
}

async function families(steps: readonly Step[]): Promise<Family[]> {
  const log = new LogWriter();
  steps.forEach(({ size, more, guards, reasons, symbol, metrics }, index) => {
    const id = `0/${index}`;
    if (reasons !== undefined) log.artifact('recompile_reasons', JSON.stringify(reasons), id, 'json');
    log.start(id, call);
    if (size !== undefined) log.input(id, index, 0, "L['x']", size, more);
    if (symbol !== undefined) log.record('create_symbol', { symbol: 's0', source: symbol }, { id });
    log.record(
      'dynamo_output_graph',
      { sizes: {} },
      { id, payload: 'class m:\n    def forward(self, x):\n        return ()\n' },
    );
    if (guards !== undefined) log.record('dynamo_cpp_guards_str', {}, { id, payload: guardTree(guards) });
    log.metrics(id, { ...ok, ...metrics });
  });
  async function* stdin(): AsyncGenerator<Buffer> {
    yield Buffer.from(log.text);
  }
  const trace = await foldTrace(['-'], { stdin: stdin() });
  return familiesOf(trace.processes[0]!.compilations, trace.interner);
}

async function changes(...steps: readonly Step[]): Promise<string[]> {
  const [family] = await families(steps);
  return family!.recompiles
    .at(-1)!
    .changes.map(
      (item) => `${item.isNamed ? '' : '+'}${item.kind} ${item.what}: ${item.expected} -> ${item.actual}`,
    );
}

describe('what changed', () => {
  test('is every guard and input that differs, not only the one torch names', async () => {
    const found = await changes(
      {
        size: [4, 8],
        guards: [
          tensorGuard("L['x']", [4, 8]),
          "EQUALS_MATCH: L['k'] == 2",
          "EQUALS_MATCH: L['self'].mode == 'a'",
        ],
      },
      {
        size: [6, 8],
        more: { dtype: 'torch.bfloat16' },
        guards: [
          tensorGuard("L['x']", [6, 8]),
          "EQUALS_MATCH: L['k'] == 3",
          "EQUALS_MATCH: L['self'].mode == 'a'",
        ],
        reasons: ["0/0: tensor 'x' dtype mismatch. expected Float, actual BFloat16"],
      },
    );
    expect(found).toEqual([
      'dtype x dtype: float32 -> bfloat16',
      '+shape x.shape[0]: 4 -> 6',
      '+constant k: 2 -> 3',
    ]);
  });

  test('gets the new value that torch leaves out from the new guards', async () => {
    const found = await changes(
      { guards: ["EQUALS_MATCH: L['s'] == 'a'"] },
      {
        guards: ["EQUALS_MATCH: L['s'] == 'b'"],
        reasons: ["0/0: s == 'a'     # x * len(s)  # app/model.py:9 in f"],
      },
    );
    expect(found).toEqual(["constant s: 'a' -> 'b'"]);
  });

  test('leaves out dims that the cached entry takes as they come', async () => {
    const found = await changes(
      { size: [4, 8], guards: [tensorGuard("L['x']", [null, 8]), "EQUALS_MATCH: L['k'] == 2"] },
      {
        size: [6, 8],
        guards: [tensorGuard("L['x']", [null, 8]), "EQUALS_MATCH: L['k'] == 3"],
        reasons: ['0/0: k == 2'],
      },
    );
    expect(found).toEqual(['constant k: 2 -> 3']);
  });

  test('says which size left the range of a dynamic graph', async () => {
    const found = await changes(
      { size: [4, 8], guards: [tensorGuard("L['x']", [null, 8])] },
      {
        size: [20, 8],
        reasons: ['0/0: 2 <= x.size()[0] <= 16  # if x.shape[0] > 16:  # app/model.py:9 in f'],
      },
    );
    expect(found).toEqual(['shape 2 <= x.size()[0] <= 16: 2 <= x.size()[0] <= 16 -> x.shape[0] = 20']);
  });

  test('tells strides apart only where they do not follow from sizes', async () => {
    const transposed = { stride: [1, 8] };
    expect(await changes({ size: [8, 4] }, { size: [6, 4], reasons: [] })).toEqual([
      '+shape x.shape[0]: 8 -> 6',
    ]);
    expect(await changes({ size: [8, 4] }, { size: [8, 4], more: transposed, reasons: [] })).toEqual([
      '+stride x.stride(0): 4 -> 1',
      '+stride x.stride(1): 1 -> 8',
    ]);
  });

  test('compares with the entry that differs least', async () => {
    const [family] = await families([
      { size: [2, 8] },
      { size: [4, 16] },
      {
        size: [4, 8],
        reasons: [
          "0/1: tensor 'x' size mismatch at index 1. expected 16, actual 8",
          "0/0: tensor 'x' size mismatch at index 0. expected 2, actual 4",
        ],
      },
    ]);
    expect(family!.recompiles.map((recompile) => recompile.closest?.key)).toEqual(['0/0', '0/1']);
  });

  test('is never empty: a reason without words says so', async () => {
    expect(await changes({}, { reasons: ['0/0: '] })).toEqual([
      'other a guard that torch does not name: true -> another value',
    ]);
    expect(await changes({}, {})).toEqual(['other a guard that torch does not name: true -> false']);
  });
});

describe('the forecast', () => {
  const step = (value: string, index: number): Step => ({
    guards: [`EQUALS_MATCH: L['s'] == '${value}'`],
    ...(index === 0 ? {} : { reasons: [`0/${index - 1}: s == 'k${index - 1}'`] }),
  });

  test('of a value that is new each time counts what is left', async () => {
    const [family] = await families(['k0', 'k1', 'k2'].map(step));
    expect(forecast(family!)).toMatchObject({
      trend: 'growing',
      text: 'Each new s compiles again (3 values, 3 compilations so far); 1 more and the limit of 4 is reached, after which calls run eager.',
    });
  });

  test('of a function that hit the limit says that it runs eager', async () => {
    const limit = {
      metrics: { fail_type: 'Unsupported', fail_reason: 'Dynamo recompile limit exceeded' },
      reasons: ["0/1: s == 'k1'"],
    };
    const [family] = await families([...['k0', 'k1'].map(step), limit]);
    expect(family!.recompiles.at(-1)!.isLimit).toBe(true);
    expect(forecast(family!).trend).toBe('limit');
  });

  test('of a dimension that became dynamic says that it is over', async () => {
    const [family] = await families([
      { size: [4, 8] },
      {
        size: [6, 8],
        symbol: "L['x'].size()[0]",
        reasons: ["0/0: tensor 'x' size mismatch at index 0. expected 4, actual 6"],
      },
    ]);
    expect(forecast(family!)).toMatchObject({ trend: 'converged' });
  });

  test('of a single change promises nothing', async () => {
    const [family] = await families(['k0', 'k1'].map(step));
    expect(forecast(family!).trend).toBe('once');
  });
});

test.each([
  ["0/0: tensor 'x' size mismatch at index 0. expected 4, actual 6", 'mark_dynamic(x, 0)'],
  ["0/0: tensor 'x' stride mismatch at index 0. expected 1, actual 6", '.contiguous()'],
  ["0/0: tensor 'x' dtype mismatch. expected Float, actual Double", 'Convert `x` once'],
  ['0/0: k == 2', 'torch.tensor(2)'],
  ['0/0: self.scale == 2', 'allow_unspec_int_on_nn_module'],
  ['0/0: a == 0.1', '0-d tensor'],
  ["0/0: s == 'a'", 'Hoist `s`'],
  ['0/0: len(d) != 2', '`len(d)` is unrolled'],
  ['0/0: ___check_obj_id(fn, 1)', '`functools.partial`'],
  ['0/0: GLOBAL_STATE changed: grad_mode ', 'Set grad_mode once'],
  ["0/0: Cache line invalidated because L['y'] got deallocated", 'keep it alive'],
  ['0/0: 2 <= x.size()[0]', 'mark_unbacked'],
  ["0/0: tensor 'x' requires_grad mismatch. expected requires_grad=0", 'torch.no_grad()'],
  ['0/0: ', 'recompiles_verbose'],
])('%s: advice', async (reason, words) => {
  const [family] = await families([{}, { reasons: [reason] }]);
  const advice = family!.recompiles[0]!.changes.flatMap((item) => adviceFor(item));
  expect(advice.join('\n')).toContain(words);
});

test('compilations of a function after a reset are a family of their own', async () => {
  const log = new LogWriter();
  for (let round = 0; round < 2; round++)
    for (const id of ['0/0', '0/1', '1/0']) log.start(id, call).metrics(id, ok);
  async function* stdin(): AsyncGenerator<Buffer> {
    yield Buffer.from(log.text);
  }
  const trace = await foldTrace(['-'], { stdin: stdin() });
  const all = familiesOf(trace.processes[0]!.compilations, trace.interner);
  expect(all.map((family) => [family.key, family.compilations.length, family.recompiles.length])).toEqual([
    ['0', 2, 1],
    ['1', 1, 0],
    ['0#2', 2, 1],
    ['1#2', 1, 0],
  ]);
});
