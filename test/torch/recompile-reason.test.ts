import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseRecompileReason, parseRecompileReasons } from '../../src/torch/recompile-reason.ts';

test.each([
  ["0/0: tensor 'x' size mismatch at index 0. expected 2, actual 3", 'size', 'x', '2', '3'],
  ["0/0: tensor 'L['x']' strides mismatch at index 1. expected 8, actual 16", 'stride', 'x', '8', '16'],
  ["0/0: tensor 'x' dtype mismatch. expected Float, actual BFloat16", 'dtype', 'x', 'Float', 'BFloat16'],
  ["0/0: tensor 'x' rank mismatch. expected 2, actual 1", 'rank', 'x', '2', '1'],
  ["0/0: tensor 'x' requires_grad mismatch. expected requires_grad=0", 'requires_grad', 'x', '0', undefined],
  [
    "0/0: tensor 'x' device mismatch. expected device cpu, actual cuda:0",
    'device',
    'x',
    'device cpu',
    'cuda:0',
  ],
  [
    '0/0: ___check_obj_id(fn, 139870659812992)                   ',
    'identity',
    'fn',
    '139870659812992',
    undefined,
  ],
  [
    "0/0: ___check_type_id(L['self'].layer, 94196473547776), type=<class 'app.Layer'>",
    'type',
    'self.layer',
    "<class 'app.Layer'>",
    undefined,
  ],
  ["0/0: L['i'] == 1", 'value', 'i', '1', undefined],
  ['0/0: len(d) != 1', 'length', 'len(d)', '1', undefined],
  [
    "0/0: len(L['ys']) == 2   # for y, z in zip(ys, zs):  # app/model.py:4 in f",
    'length',
    'len(ys)',
    '2',
    undefined,
  ],
  ['0/0: GLOBAL_STATE changed: grad_mode ', 'global state', 'grad_mode', undefined, undefined],
  ['0/0: ___check_global_state()', 'global state', 'global state', undefined, undefined],
  [
    "0/0: Cache line invalidated because L['___stack0'] got deallocated",
    'invalidated',
    '___stack0',
    'alive',
    'deallocated',
  ],
  [
    '0/0: 2 <= x.size()[0] <= 16  # if x.shape[0] > 16:  # app/model.py:9 in f',
    'range',
    '2 <= x.size()[0] <= 16',
    '2 <= x.size()[0] <= 16',
    undefined,
  ],
  ['0/0: ', 'unknown', '', undefined, undefined],
  ['!1/0/2: k == 3', 'value', 'k', '3', undefined],
])('%s', (text, cause, subject, expected, actual) => {
  expect(parseRecompileReason(text)).toMatchObject({ cause, subject, expected, actual });
});

test('a reason has its cache entry, user code and hint', () => {
  const text =
    '4/1: self.scale == 1      # y = x * self.scale  # app/model.py:63 in forward (HINT: make this integer dynamic (or a tensor).)\nUser stack trace:\n  File "/srv/app/model.py", line 63, in forward\n    y = x';
  expect(parseRecompileReason(text)).toMatchObject({
    entry: '4/1',
    guard: 'self.scale == 1',
    code: 'y = x * self.scale',
    file: 'app/model.py',
    line: 63,
    hint: 'make this integer dynamic (or a tensor).',
  });
});

test.each([
  ['a list', '[\n"0/1: k == 3",\n"0/0: k == 2"\n]', ['0/1', '0/0']],
  ['one bare string', '0/0: k == 2\nUser stack trace:\n  File', ['0/0']],
  ['one JSON string', '"0/0: k == 2"', ['0/0']],
  ['a damaged list', '["0/0: k == 2"', [undefined]],
])('a payload may be %s', (_, payload, entries) => {
  expect(parseRecompileReasons(payload).map((reason) => reason.entry)).toEqual(entries);
});

test('any text becomes a reason and never throws', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(parseRecompileReason(text).cause).toBeTypeOf('string');
    }),
  );
});
