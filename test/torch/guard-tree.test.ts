import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  compareGuards,
  guardedValue,
  guardFacts,
  Interner,
  parseGuardTree,
} from '../../src/torch/guard-tree.ts';
import { guardTree, tensorGuard } from './support/make-log.ts';

test.each([
  ['EQUALS_MATCH', "L['self'].mode == 'a'      # if self.mode", [['self.mode', 'value', "'a'"]]],
  ['LENGTH_CHECK', "len(L['d']) == 2", [['len(d)', 'length', '2']]],
  ['LENGTH_CHECK', "not L['args']            # f(*args)", [['len(args)', 'length', '0']]],
  [
    'ID_MATCH',
    "___check_obj_id(G['fn'], 139), type=<class 'function'>  # fn(x)",
    [["G['fn']", 'identity', '139']],
  ],
  ['DICT_CONTAINS', "not ___dict_contains('k', L['kw'])  # kw", [["'k' in kw", 'contains', 'False']]],
  ['NONE_MATCH', "L['mask'] is None", [['mask', 'value', 'None']]],
  ['OBJECT_ALIASING', "G['F'] is G['__import_torch'].F", []],
  ['NO_HASATTR', "not hasattr(L['x'], 'jax')", []],
  [
    'GLOBAL_STATE',
    '___check_global_state() against {"grad_mode":true,"num_threads":1}',
    [
      ['grad_mode', 'global state', 'true'],
      ['num_threads', 'global state', '1'],
    ],
  ],
])('%s: %s', (kind, expression, facts) => {
  expect(guardFacts(kind, expression).map(({ subject, aspect, value }) => [subject, aspect, value])).toEqual(
    facts,
  );
});

test('a tensor guard is one fact per property', () => {
  const [kind, expression] = tensorGuard("L['x']", [null, 8], 'bfloat16').split(': ', 2);
  const facts = new Map(guardFacts(kind!, expression!).map((fact) => [fact.aspect, fact.value]));
  expect(Object.fromEntries(facts)).toMatchObject({
    dtype: 'bfloat16',
    size: '[None, 8]',
    requires_grad: 'False',
  });
});

test('two tables differ in what both demand with other values', () => {
  const interner = new Interner();
  const before = parseGuardTree(
    guardTree([
      "EQUALS_MATCH: L['k'] == 2  # k",
      "EQUALS_MATCH: L['s'] == 'a'",
      "LENGTH_CHECK: len(L['only_before']) == 1",
    ]),
    interner,
  );
  const after = parseGuardTree(
    guardTree(
      [
        "EQUALS_MATCH: L['k'] == 3  # other code",
        "EQUALS_MATCH: L['s'] == 'a'",
        "EQUALS_MATCH: L['new'] == 1",
      ],
      34,
    ),
    interner,
  );
  expect(compareGuards(before, after, interner)).toEqual([
    { subject: 'k', aspect: 'value', expected: '2', actual: '3' },
  ]);
  expect([before.count, after.latencyUs]).toEqual([3, 34]);
  expect(guardedValue(after, 'value', 'k', interner)).toBe('3');
  expect(guardedValue(after, 'value', 'nobody', interner)).toBeUndefined();
});

test('a table never differs from itself, whatever the text', () => {
  fc.assert(
    fc.property(fc.string(), fc.array(fc.string()), (text, leaves) => {
      const interner = new Interner();
      for (const tree of [text, guardTree(leaves.map((leaf) => `EQUALS_MATCH: ${leaf}`))]) {
        const table = parseGuardTree(tree, interner);
        expect(
          compareGuards(table, parseGuardTree(tree, interner), interner).filter(
            (item) => item.expected === item.actual,
          ),
        ).toEqual([]);
      }
    }),
  );
});
