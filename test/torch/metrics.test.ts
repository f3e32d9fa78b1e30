import { expect, test } from 'vitest';
import { parseMetrics, phasesOf } from '../../src/torch/metrics.ts';

test('microseconds win over seconds, and either will do', () => {
  expect(parseMetrics({ duration_us: 2500, entire_frame_compile_time_s: 9 }).totalMs).toBe(2.5);
  expect(parseMetrics({ duration_us: null, entire_frame_compile_time_s: 0.5 }).totalMs).toBe(500);
  expect(parseMetrics({}).totalMs).toBeUndefined();
});

test.each([
  ['a list', ['a, b', 'c'], ['a, b', 'c']],
  ['null', null, undefined],
  ['a string', 'one, reason', ['one, reason']],
  ['an empty string', '', []],
])('restart reasons may be %s', (_, value, expected) => {
  expect(parseMetrics({ restart_reasons: value }).restartReasons).toEqual(expected);
});

test('sets written as comma strings are lists', () => {
  expect(parseMetrics({ non_compliant_ops: 'a::b,c::d' }).nonCompliantOps).toEqual(['a::b', 'c::d']);
});

test('the recompile limit is read from any form of config', () => {
  expect(parseMetrics({ dynamo_config: '{"cache_size_limit": 64}' }).recompileLimit).toBe(64);
  expect(parseMetrics({ dynamo_config: { recompile_limit: 8 } }).recompileLimit).toBe(8);
});

test('phases add up to the total', () => {
  const metrics = parseMetrics({
    entire_frame_compile_time_s: 1,
    backend_compile_time_s: 0.7,
    inductor_compile_time_s: 0.5,
    code_gen_time_s: 0.2,
    dynamo_time_before_restart_s: 0.1,
  });
  const phases = phasesOf(metrics, true);
  expect(phases.map((phase) => phase.name)).toEqual([
    'thrown away by restarts',
    'dynamo',
    'aot autograd',
    'inductor',
    'code generation',
  ]);
  expect(phases.reduce((sum, phase) => sum + phase.durationMs, 0)).toBeCloseTo(1000);
});

test('time before a restart that never came is tracing like any other', () => {
  const metrics = parseMetrics({ entire_frame_compile_time_s: 1, dynamo_time_before_restart_s: 0.9 });
  expect(phasesOf(metrics, false)).toEqual([{ name: 'dynamo', durationMs: 1000 }]);
});

test('phases that contradict the total never go below zero', () => {
  const phases = phasesOf(
    parseMetrics({
      entire_frame_compile_time_s: 0.1,
      backend_compile_time_s: 5,
      inductor_compile_time_s: 9,
      dynamo_time_before_restart_s: 3,
    }),
    true,
  );
  expect(phases.every((phase) => phase.durationMs > 0)).toBe(true);
  expect(phases.reduce((sum, phase) => sum + phase.durationMs, 0)).toBeCloseTo(100);
});
