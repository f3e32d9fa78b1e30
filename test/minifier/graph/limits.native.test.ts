/** What does not end by itself, and what was interrupted. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { buggyModel, onnxBugs } from '../../../bench/onnx-bugs.ts';
import { hastyOracle } from '../../../src/minifier/graph/choose-oracle.ts';
import { findFailure, hangLimitMs } from '../../../src/minifier/graph/find-failure.ts';
import { graphDomain, type GraphCase } from '../../../src/minifier/graph/graph-case.ts';
import { makeInputs } from '../../../src/minifier/graph/make-inputs.ts';
import { minifyOnnx } from '../../../src/minifier/graph/minify-onnx.ts';
import { TrialPool } from '../../../src/minifier/graph/trial-pool.ts';
import type { Oracle } from '../../../src/minifier/oracle.ts';
import { passed } from '../../../src/minifier/verdict.ts';
import { GraphWriter, type OnnxModel } from '../../../src/onnx/index.ts';
import { searchesOf, timeoutMs } from './searches.ts';

const { folder, minify } = searchesOf('limits', { outputDirectory: false });

/** A Loop that never ends, between other nodes. */
function endlessModel(): OnnxModel {
  const graph = new GraphWriter('endless');
  const x = graph.input('x', 'float32', [2]);
  const body = graph.subgraph('body');
  body.input('round', 'int64', []);
  const go = body.input('go', 'bool', []);
  const value = body.input('value', 'float32', [2]);
  body.output(body.add('Identity', [go]), 'bool', []);
  body.output(body.add('Tanh', [value]), 'float32', [2]);
  const start = graph.add('Abs', [graph.add('Neg', [x])]);
  const rounds = graph.scalar(2 ** 40, 'int64');
  const [end] = graph.addMany('Loop', [rounds, undefined, start], 1, { body: body.toGraph() });
  graph.output(graph.add('Exp', [end!]), 'float32', [2]);
  return graph.toModel();
}

test(
  'a loop without end becomes a model of that loop, empty but for what it needs',
  async () => {
    const result = await minify({ model: endlessModel(), timeLimitMs: 400 });
    expect(result.signature).toMatchObject({ kind: 'hang', name: 'no answer while it ran' });
    expect(result.best.model.graph.nodes.map((node) => node.opType)).toEqual(['Loop']);
    expect(result.sizeAfter).toBe(1);
    expect(result.end).toBe('fixed-point');
  },
  timeoutMs,
);

test(
  'what gave no answer once is not waited for as long again',
  async () => {
    const warmUp = { level: 'disabled', resolveFrom: import.meta.url } as const;
    const pool = new TrialPool({ jobs: 1, cwd: folder, memoryLimitMb: 4_096, warmUp });
    const model = endlessModel();
    const found = await findFailure(
      { model, inputs: makeInputs(model, { seed: 1 }) },
      {
        pool,
        tolerance: { relative: 1e-3, absolute: 1e-5 },
        limitMs: hangLimitMs + 500,
        resolveFrom: import.meta.url,
        kind: 'auto',
        now: () => performance.now(),
        onStage: () => {},
      },
    );
    pool.close();
    expect(found.limitMs).toBe(hangLimitMs);
    expect(found.introducedBy).toBe('onnxruntime, with and without optimizations');
  },
  timeoutMs,
);

test('a hasty answer is given to candidates, a patient one to what must hold', async () => {
  const asked: string[] = [];
  const named = (name: string): Oracle<GraphCase> => ({
    judge: () => {
      asked.push(name);
      return Promise.resolve(passed);
    },
    close: () => {
      asked.push(`${name} closed`);
      return Promise.resolve();
    },
  });
  const oracle = hastyOracle(named('hasty'), named('patient'));
  const testCase = { model: endlessModel(), inputs: new Map() };
  await oracle.judge(testCase);
  await oracle.judge(testCase, { cold: false });
  await oracle.judge(testCase, { cold: true });
  await oracle.close();
  expect(asked).toEqual(['hasty', 'hasty', 'patient', 'hasty closed', 'patient closed']);
});

test(
  'a search that was stopped goes on and ends where it would have',
  async () => {
    const testCase = buggyModel(
      onnxBugs.find(({ name }) => name === 'pad-maxpool')!,
      80,
      4,
    );
    const whole = await minify(testCase);
    const state = { ...testCase, stateDirectory: join(folder, 'state') };
    const stopped = await minify({ ...state, budget: { maxTrials: 6 } });
    expect(stopped.end).toBe('budget');
    expect(stopped.sizeAfter).toBeGreaterThan(whole.sizeAfter);
    const resumed = await minify({ ...state, resume: true });
    expect(resumed.end).toBe('fixed-point');
    expect(graphDomain.hash(resumed.best)).toBe(graphDomain.hash(whole.best));
    expect(resumed.candidates).toBe(whole.candidates);
    expect(resumed.trials).toBeLessThan(whole.trials);
  },
  timeoutMs,
);

test('a folder that cannot be made is a clear message', async () => {
  const { model } = buggyModel(
    onnxBugs.find(({ name }) => name === 'relu-clip-double')!,
    20,
    1,
  );
  for (const outputDirectory of ['/proc/nowhere/repro', fileURLToPath(import.meta.url) + '/repro']) {
    await expect(minify({ model, outputDirectory })).rejects.toMatchObject({
      code: 'FG4006',
      message: expect.stringContaining(outputDirectory) as string,
    });
  }
});

test(
  'a folder that holds something else is refused before anything is run, and keeps it',
  async () => {
    const { model, inputs } = buggyModel(
      onnxBugs.find(({ name }) => name === 'relu-clip-double')!,
      20,
      1,
    );
    const outputDirectory = join(folder, 'notes');
    const note = join(outputDirectory, 'todo.txt');
    mkdirSync(outputDirectory);
    writeFileSync(note, 'water the plants');
    const options = { input: 'limits.onnx', model, inputs, cwd: folder, stateDirectory: false } as const;
    const refused = minifyOnnx({ ...options, outputDirectory });
    const seen: string[] = [];
    await expect(refused.result).rejects.toMatchObject({ code: 'FG4006' });
    await expect(
      (async () => {
        for await (const record of refused) seen.push(record.kind);
      })(),
    ).rejects.toMatchObject({ code: 'FG4006' });
    expect(seen).toEqual([]);
    expect(readdirSync(outputDirectory)).toEqual(['todo.txt']);
    expect(readFileSync(note, 'utf8')).toBe('water the plants');
    // An empty folder is fine, and so is the repro of an earlier search.
    rmSync(note);
    for (const _ of ['empty', 'earlier']) {
      const { directory } = await minifyOnnx({ ...options, outputDirectory }).result;
      expect(readdirSync(directory!)).toContain('repro.mjs');
    }
  },
  timeoutMs,
);
