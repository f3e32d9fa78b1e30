import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodePlan, encodePlan, type StoredPlan } from '../../src/compile/execution-plan.ts';
import { hashGraph } from '../../src/compile/hash-graph.ts';
import type { Attributes, Graph } from '../../src/ir/graph.ts';

function graph(attributes: Attributes, data: Float32Array = Float32Array.of(1)): Graph {
  const type = { dtype: 'float32', shape: [1] };
  return {
    name: 'g',
    nodes: [
      { kind: 'constant', name: 'c', type, data },
      {
        kind: 'call',
        name: 'y',
        kernel: 'Relu',
        inputs: [{ node: 'c', output: 0 }, undefined],
        attributes,
        outputs: [type],
      },
    ],
    outputs: [{ node: 'y', output: 0 }],
  };
}

test('what JSON takes for the same has different keys', () => {
  const values = [null, undefined, 0, -0, Number.NaN, Infinity, -Infinity, '0', 'NaN', [], {}];
  const keys = values.map((value) => hashGraph(graph({ value }), ''));
  expect(new Set(keys).size).toBe(values.length);
});

test('contents, settings and wiring are part of the key; the name of the graph is not', () => {
  const key = hashGraph(graph({}), 'a');
  expect(hashGraph({ ...graph({}), name: 'h' }, 'a')).toBe(key);
  expect(hashGraph(graph({}), 'b')).not.toBe(key);
  expect(hashGraph(graph({}, Float32Array.of(-1)), 'a')).not.toBe(key);
  expect(hashGraph({ ...graph({}), outputs: [{ node: 'c', output: 0 }] }, 'a')).not.toBe(key);
});

const feed = fc.oneof(
  fc.nat(),
  fc.float32Array(),
  fc.int32Array(),
  fc.uint8Array(),
  fc.bigInt64Array(),
  fc.float64Array(),
);
const counts = fc.array(fc.nat());
const sessionStep = fc.record({
  kind: fc.constant('onnx' as const),
  feeds: fc.array(feed),
  dims: fc.array(counts),
  outputSlots: counts,
  outputLengths: counts,
});
const callStep = fc.record({
  kind: fc.constant('eager' as const),
  node: fc.nat(),
  inputs: fc.array(fc.option(fc.record({ slot: fc.nat(), dtype: fc.string(), shape: counts }))),
  outputSlots: counts,
});
const storedPlan: fc.Arbitrary<StoredPlan> = fc.record({
  plan: fc.record({
    leafCount: fc.nat(),
    slotCount: fc.nat(),
    freeLeaves: fc.array(fc.boolean()),
    steps: fc.array(fc.oneof(sessionStep, callStep)),
    outputSlots: counts,
    fallbacks: fc.array(fc.record({ node: fc.string(), kernel: fc.string(), reason: fc.string() })),
    lowered: fc.dictionary(fc.string(), fc.array(fc.string()), { noNullPrototype: true }),
  }),
  sessions: fc.array(
    fc.record({
      file: fc.string(),
      generality: fc.record({
        freeConstants: fc.array(fc.boolean()),
        dims: fc.array(fc.array(fc.option(fc.nat(), { nil: undefined }))),
      }),
    }),
  ),
});

test('a plan comes back from its text, bit by bit', () => {
  fc.assert(
    fc.property(storedPlan, (stored) => {
      fc.pre(!('__proto__' in stored.plan.lowered && Object.hasOwn(stored.plan.lowered, '__proto__')));
      expect(decodePlan(encodePlan(stored))).toEqual(stored);
    }),
  );
});

test('a text that lost or changed a character is no plan', () => {
  fc.assert(
    fc.property(storedPlan, fc.nat(), fc.boolean(), (stored, position, isCut) => {
      const text = encodePlan(stored);
      const index = position % text.length;
      const damaged = isCut ? text.slice(0, index) : `${text.slice(0, index)}#${text.slice(index + 1)}`;
      fc.pre(damaged !== text);
      expect(decodePlan(damaged)).toBeUndefined();
    }),
  );
});
