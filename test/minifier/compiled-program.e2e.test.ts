import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { minifyProgram, type MinifyResult } from '../../src/minifier/minify-program.ts';
import { parseMinifyOptions } from '../../src/minifier/options.ts';
import { loadProgram } from '../../src/minifier/source/load-program.ts';
import { readModelFile } from '../../src/onnx/index.ts';
import { ProgramOracle } from '../../src/minifier/program/program-oracle.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(resolve('.cache-compiled-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const faults = ['fault-compile', 'fault-run', 'fault-wrong'];

/** Max pooling of padded cold pixels, on which onnxruntime's PadFusion is wrong. */
const pooling = `import * as tf from '@tensorflow/tfjs';
tf.tidy(() => {
  const cold = tf.conv2d(tf.fill([1, 4, 4, 1], -5), tf.ones([2, 2, 1, 1]), 1, 'same');
  return tf.maxPool(tf.pad(cold, [[0, 0], [1, 1], [1, 1], [0, 0]]), 3, 1, 'valid');
}).print();
`;

async function minify(
  input: string,
  backend: string,
): Promise<{ readonly result: MinifyResult; readonly stages: readonly string[] }> {
  const values = {
    state: join(folder, `${backend}-state`),
    output: join(folder, backend),
    jobs: '1',
    backend,
  };
  const run = minifyProgram(
    parseMinifyOptions(input, [], values, process.cwd(), [...faults, 'fault-fusion']),
  );
  const stages: string[] = [];
  for await (const record of run) {
    if (record.kind === 'minify-stage') stages.push(`${record.name}: ${record.verdict}`);
  }
  return { result: await run.result, stages };
}

describe('minify of programs that fail under capture and compile', () => {
  it.each(faults)('reduces a program on %s to one call of relu and names the backend', async (backend) => {
    const { result, stages } = await minify('fixtures/failing/wine-grades/program.mjs', backend);
    expect(Object.values(result.files)).toEqual([
      "import * as tf from '@tensorflow/tfjs';\ntf.relu(0).print();\n",
    ]);
    expect(result).toMatchObject({ isVerified: true, culprit: `backend ${backend}` });
    expect(stages).toContain('captured, on eager kernels: passes');
    const readme = readFileSync(join(result.directory, 'README.md'), 'utf8');
    expect(readme).toContain(`**Introduced by**: backend ${backend}`);
    expect(readme).toContain('`node repro.mjs cpu` passes');
    // The fault is ours, not the model's.
    expect(readme).toContain('There is no model.onnx');
    expect(result.hasModel).toBe(false);
    expect(readdirSync(result.directory)).not.toContain('model.onnx');
    const manifest = JSON.parse(readFileSync(join(result.directory, 'package.json'), 'utf8')) as {
      dependencies: object;
    };
    expect(Object.keys(manifest.dependencies).sort()).toEqual(['@tensorflow/tfjs', 'fullgraph']);
    // As `npm install` would: fullgraph is this checkout.
    const modules = join(result.directory, 'node_modules');
    mkdirSync(modules);
    symlinkSync(process.cwd(), join(modules, 'fullgraph'));
    const run = (...words: string[]) =>
      spawnSync(process.execPath, ['repro.mjs', ...words], { cwd: result.directory, encoding: 'utf8' });
    expect(run()).toMatchObject({ status: 1, stdout: expect.stringContaining('FAIL') as string });
    expect(run('cpu')).toMatchObject({ status: 0, stdout: expect.stringContaining('PASS') as string });
  });

  it('writes the model beside the program when onnxruntime is wrong about it', async () => {
    const input = join(folder, 'pooling.mjs');
    writeFileSync(input, pooling);
    const { result } = await minify(input, 'fault-fusion');
    expect(result).toMatchObject({ isVerified: true, hasModel: true });
    const { directory } = result;
    const manifest = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as {
      dependencies: object;
    };
    expect(Object.keys(manifest.dependencies).sort()).toEqual([
      '@tensorflow/tfjs',
      'fullgraph',
      'onnxruntime-node',
    ]);
    const ops = readModelFile(join(directory, 'model.onnx')).graph.nodes.map(({ opType }) => opType);
    expect(ops).toEqual(expect.arrayContaining(['Pad', 'MaxPool']));
    const readme = readFileSync(join(directory, 'README.md'), 'utf8');
    expect(readme).toMatch(/## The model alone[^]*repro-onnx\.mjs[^]*FAIL: .*expected 0, got -/);
    const run = spawnSync(process.execPath, ['repro-onnx.mjs'], { cwd: directory, encoding: 'utf8' });
    expect(run).toMatchObject({ status: 1, stdout: expect.stringMatching(/^FAIL: /) as string });
  });

  it('tries a program that passes as it is under capture and compile as well', async () => {
    const input = join(folder, 'fine.mjs');
    writeFileSync(input, "import * as tf from '@tensorflow/tfjs'; tf.relu(tf.ones([2])).print();");
    const stages: string[] = [];
    const run = minifyProgram(parseMinifyOptions(input, [], {}, folder));
    const watched = (async () => {
      for await (const record of run) if (record.kind === 'minify-stage') stages.push(record.name);
    })();
    await expect(run.result).rejects.toMatchObject({ code: 'FG4004' });
    await expect(watched).rejects.toMatchObject({ code: 'FG4004' });
    expect(stages).toEqual(['as it is']);
  });

  it('leaves no session behind in a warm process, whatever the program did', async () => {
    const program = (text: string) => {
      writeFileSync(join(folder, 'warm.mjs'), `import * as tf from '@tensorflow/tfjs'; ${text}`);
      return loadProgram(join(folder, 'warm.mjs')).tree;
    };
    const oracle = new ProgramOracle({
      root: folder,
      cwd: folder,
      arguments: [],
      suspect: { capture: { backend: 'fault-run' } },
      reference: { backend: 'cpu' },
      comparison: 'reads',
      relativeTolerance: 1e-3,
      absoluteTolerance: 1e-5,
      seed: 1,
      jobs: 1,
      timeLimitMs: 10_000,
      memoryLimitMb: 2_000,
    });
    try {
      const failing = program('tf.relu(1).print();');
      const pending = program('tf.relu(1);');
      const passing = program('tf.abs(1).print();');
      for (const [tree, kind] of [
        [failing, 'crash'],
        [pending, 'pass'],
        [passing, 'pass'],
        [failing, 'crash'],
      ] as const) {
        expect((await oracle.judge(tree)).kind).toBe(kind);
      }
    } finally {
      await oracle.close();
    }
  });
});
