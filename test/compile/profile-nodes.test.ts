import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { addedNodes, createProfiler, joinTimes, readProfile } from '../../src/compile/profile-nodes.ts';

const kernel = (name: string, dur: number) => ({ cat: 'Node', name: `${name}_kernel_time`, dur });
const run = { cat: 'Session', name: 'model_run', dur: 1 };

test('times are per run, summed over the parts of a node, without the runs that warm up', () => {
  const events = [
    { cat: 'Session', name: 'session_initialization', dur: 9 },
    kernel('relu_1/Relu_0', 5000),
    run,
    kernel('relu_1/Relu_0', 4000),
    run,
    ...[1, 2].flatMap((turn) => [
      kernel('relu_1/Relu_0', 1000 * turn),
      kernel('relu_1/Mul_1/sunk_nchwc', 500),
      kernel('Transpose_token_3', 250),
      { cat: 'Node', name: 'relu_1/Relu_0_fence_before', dur: 77 },
      run,
    ]),
  ];
  expect(readProfile(JSON.stringify(events))).toEqual({
    runs: 2,
    nodes: { relu_1: 2, [addedNodes]: 0.25 },
  });
});

test('a graph that ran once has the time of that run', () => {
  expect(readProfile(JSON.stringify([kernel('a/Add_0', 3000), run]))).toEqual({ runs: 1, nodes: { a: 3 } });
});

test('profiling ends by itself after some runs, and leaves nothing on disk', () => {
  const profiler = createProfiler();
  const folder = path.dirname(profiler.prefix);
  let ends = 0;
  const end = (): void => {
    ends++;
    writeFileSync(`${profiler.prefix}_now.json`, JSON.stringify([kernel('a/Add_0', 1000), run]));
  };
  for (let turn = 0; turn < 100; turn++) profiler.ran(end);
  expect(ends).toBe(1);
  expect(existsSync(folder)).toBe(false);
  expect(profiler.times(end)).toEqual({ runs: 1, nodes: { a: 1 } });
  expect(ends).toBe(1);
});

test('a session that never ran has no times', () => {
  const profiler = createProfiler();
  expect(readdirSync(path.dirname(profiler.prefix))).toEqual([]);
  expect(profiler.times(() => {})).toBeUndefined();
  expect(existsSync(path.dirname(profiler.prefix))).toBe(false);
});

test('the sessions of one graph add up', () => {
  expect(joinTimes([])).toBeUndefined();
  expect(
    joinTimes([
      { runs: 3, nodes: { a: 1, b: 2 } },
      { runs: 2, nodes: { b: 3 } },
    ]),
  ).toEqual({ runs: 2, nodes: { a: 1, b: 5 } });
});
