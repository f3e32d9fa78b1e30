/** What a model is compared with: double precision, another onnxruntime, our own evaluator. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { GraphWriter, type OnnxModel } from '../../../src/onnx/index.ts';
import { floats } from './support.ts';
import { searchesOf, timeoutMs } from './searches.ts';

const packageFile = createRequire(import.meta.url).resolve('onnxruntime-node/package.json');
const { folder, minify } = searchesOf('oracle');

/**
 * A folder with an onnxruntime-node of another version: the real one, its binding wrapped.
 * @param body of a function `(real, bytes, options) => session`; see the uses.
 */
function otherOnnxruntime(version: string, session: string): string {
  const home = join(folder, `other-${version}`);
  const own = join(home, 'node_modules', 'onnxruntime-node');
  mkdirSync(join(own, 'dist'), { recursive: true });
  const common = join(dirname(dirname(packageFile)), 'onnxruntime-common');
  symlinkSync(common, join(home, 'node_modules', 'onnxruntime-common'), 'junction');
  const real = JSON.stringify(dirname(packageFile));
  writeFileSync(
    join(own, 'package.json'),
    JSON.stringify({ name: 'onnxruntime-node', version, main: 'dist/index.js' }),
  );
  const wrapper = `const { binding, initOrt } = require(${real} + '/dist/binding.js');
class InferenceSession extends binding.InferenceSession {
${session}
}
module.exports = { binding: { ...binding, InferenceSession }, initOrt };
`;
  writeFileSync(join(own, 'dist', 'binding.js'), wrapper);
  // The public entry: enough of it for a repro.
  writeFileSync(
    join(own, 'dist', 'index.js'),
    `const { Tensor } = require('onnxruntime-common');
const { binding, initOrt } = require('./binding.js');
initOrt();
exports.Tensor = Tensor;
exports.InferenceSession = { create: async (path, options) => {
  const session = new binding.InferenceSession();
  const bytes = require('node:fs').readFileSync(path);
  session.loadModel(bytes.buffer, bytes.byteOffset, bytes.byteLength, { intraOpNumThreads: 1, ...options });
  return { run: async (inputs) => session.run(inputs, Object.fromEntries(session.outputMetadata.map(({ name }) => [name, null])), {}) };
} };
`,
  );
  return home;
}

/** Pad and MaxPool of negative values: PadFusion makes the numbers wrong. */
function padModel(): OnnxModel {
  const graph = new GraphWriter('pad');
  const x = graph.input('x', 'float32', [1, 1, 4, 4]);
  const negative = graph.add('Sub', [graph.add('Tanh', [x]), graph.scalar(2, 'float32')]);
  const padded = graph.add('Pad', [negative, graph.ints([0, 0, 1, 1, 0, 0, 1, 1])]);
  graph.output(
    graph.add('Abs', [graph.add('MaxPool', [padded], { kernel_shape: [3, 3] })]),
    'float32',
    [1, 1, 4, 4],
  );
  return graph.toModel();
}

/** ConvBNFusion rounds otherwise; onnxruntime has no Conv in double precision. */
function convolutionModel(): OnnxModel {
  const graph = new GraphWriter('conv');
  const x = graph.input('x', 'float32', [1, 3, 8, 8]);
  const weights = (dims: readonly number[], phase: number): string =>
    graph.initializer(
      floats('w', dims, (index) => Math.abs(Math.sin(index + phase)) / 3).data as Float32Array,
      dims,
    );
  const conv = graph.add('Conv', [x, weights([4, 3, 3, 3], 0)]);
  const statistics = [1, 2, 3, 4].map((phase) => weights([4], phase));
  graph.output(graph.add('BatchNormalization', [conv, ...statistics]), 'float32', [1, 4, 6, 6]);
  return graph.toModel();
}

/** A layer normalization, which is fused to one kernel that rounds otherwise; all its kernels are there in double precision. */
function normalizationModel(): OnnxModel {
  const graph = new GraphWriter('norm');
  const x = graph.input('x', 'float32', [4, 32]);
  const axes = graph.ints([-1]);
  const centred = graph.add('Sub', [x, graph.add('ReduceMean', [x, axes])]);
  const variance = graph.add('ReduceMean', [graph.add('Pow', [centred, graph.scalar(2, 'float32')]), axes]);
  const deviation = graph.add('Sqrt', [graph.add('Add', [variance, graph.scalar(1e-5, 'float32')])]);
  const weights = (phase: number): string =>
    graph.initializer(floats('w', [32], (index) => Math.sin(index + phase)).data as Float32Array, [32]);
  const scaled = graph.add('Mul', [graph.add('Div', [centred, deviation]), weights(0)]);
  graph.output(graph.add('Add', [scaled, weights(1)]), 'float32', [4, 32]);
  return graph.toModel();
}

describe('double precision', () => {
  test.each([
    ['of onnxruntime', normalizationModel],
    ['of our evaluator, where onnxruntime has none', convolutionModel],
  ])('%s tells rounding from wrong numbers', async (_, write) => {
    const strict = { relativeTolerance: 1e-9, absoluteTolerance: 1e-9 };
    await expect(minify({ model: write(), ...strict })).rejects.toMatchObject({ code: 'FG4004' });
  });

  test('does not hide what is wrong, however strict the tolerance', async () => {
    const result = await minify({ model: padModel(), relativeTolerance: 1e-7, absoluteTolerance: 1e-7 });
    expect(result.best.model.graph.nodes.map((node) => node.opType)).toEqual(['Pad', 'MaxPool']);
  });

  test('is not asked about differences within the tolerance', async () => {
    await expect(minify({ model: padModel(), absoluteTolerance: 10 })).rejects.toMatchObject({
      code: 'FG4004',
    });
  });
});

describe('another onnxruntime', () => {
  test(
    'that is right is named beside the one that is not',
    async () => {
      const against = otherOnnxruntime(
        '0.9.0',
        `  loadModel(buffer, offset, length, options) { super.loadModel(buffer, offset, length, { ...options, graphOptimizationLevel: 'disabled' }); }`,
      );
      const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string };
      const result = await minify({ model: padModel(), against });
      expect(result.introducedBy).toBe(`onnxruntime ${version} PadFusion (level basic); 0.9.0 does not fail`);
      expect(result.best.model.graph.nodes.map((node) => node.opType)).toEqual(['Pad', 'MaxPool']);
      expect(result.isVerified).toBe(true);
      expect(readFileSync(join(result.directory!, 'README.md'), 'utf8')).toContain(
        'what the other version of onnxruntime gives',
      );
    },
    timeoutMs,
  );
});

describe('another onnxruntime that is no better', () => {
  test(
    'is named, too: it is no regression',
    async () => {
      const against = otherOnnxruntime('0.8.0', '');
      const result = await minify({ model: padModel(), against });
      expect(result.introducedBy).toBe('onnxruntime PadFusion (level basic); 0.8.0 gives the same');
    },
    timeoutMs,
  );
});

describe('another device', () => {
  test(
    'that gives other numbers than the CPU is named',
    async () => {
      const home = otherOnnxruntime(
        '0.9.2',
        `  loadModel(buffer, offset, length, options) {
    const isDevice = options.executionProviders?.[0] === 'webgpu';
    this.isWrong = isDevice && Buffer.from(buffer, offset, length).includes('Tanh');
    super.loadModel(buffer, offset, length, { ...options, executionProviders: ['cpu'] });
  }
  run(...args) {
    const results = super.run(...args);
    if (this.isWrong) for (const { data } of Object.values(results)) for (let i = 0; i < data.length; i++) data[i] += 0.25;
    return results;
  }`,
      );
      const graph = new GraphWriter('device');
      const x = graph.input('x', 'float32', [4, 6]);
      graph.output(graph.add('Exp', [graph.add('Tanh', [graph.add('Sin', [x])])]), 'float32', [4, 6]);
      const resolveFrom = join(home, 'package.json');
      const result = await minify({ model: graph.toModel(), resolveFrom, device: 'webgpu' });
      expect(result.best.model.graph.nodes.map((node) => node.opType)).toEqual(['Tanh']);
      expect(result.introducedBy).toBe('onnxruntime on webgpu; on the CPU it does not fail');
      expect(result.isVerified).toBe(true);
    },
    timeoutMs,
  );

  test('that is not there is said to be missing, not minified', async () => {
    const refused = minify({ model: padModel(), device: 'cuda' });
    await expect(refused).rejects.toMatchObject({
      code: 'FG4005',
      message: expect.stringContaining('cuda') as string,
    });
  });
});

describe('the reference evaluator', () => {
  test(
    'finds a kernel that is wrong with and without optimizations',
    async () => {
      const resolveFrom = join(
        otherOnnxruntime(
          '0.9.1',
          `  loadModel(buffer, offset, length, options) {
    this.isWrong = Buffer.from(buffer, offset, length).includes('Tanh');
    super.loadModel(buffer, offset, length, options);
  }
  run(...args) {
    const results = super.run(...args);
    if (this.isWrong) for (const { data } of Object.values(results)) for (let i = 0; i < data.length; i++) data[i] += 0.25;
    return results;
  }`,
        ),
        'package.json',
      );
      const graph = new GraphWriter('kernel');
      const x = graph.input('x', 'float32', [4, 6]);
      const turned = graph.add('Transpose', [graph.add('Sin', [x])]);
      graph.output(
        graph.add('Softmax', [graph.add('MatMul', [graph.add('Tanh', [x]), turned])]),
        'float32',
        [4, 4],
      );
      const result = await minify({ model: graph.toModel(), resolveFrom, reference: 'evaluator' });
      expect(result.best.model.graph.nodes.map((node) => node.opType)).toEqual(['Tanh']);
      expect(result.introducedBy).toBe("onnxruntime's kernel of Tanh");
      expect(result.isVerified).toBe(true);
    },
    timeoutMs,
  );

  test(
    'finds what the optimizer makes wrong, too',
    async () => {
      const result = await minify({ model: padModel(), reference: 'evaluator' });
      expect(result.introducedBy).toBe('onnxruntime PadFusion (level basic)');
      expect(result.isVerified).toBe(true);
    },
    timeoutMs,
  );

  test('says which operator it does not know', async () => {
    const graph = new GraphWriter('unknown');
    graph.output(
      graph.add('Einsum', [graph.input('x', 'float32', [2, 2])], { equation: 'ij->ji' }),
      'float32',
    );
    const refused = minify({ model: graph.toModel(), reference: 'evaluator' });
    await expect(refused).rejects.toMatchObject({
      code: 'FG4005',
      message: expect.stringContaining('Einsum') as string,
    });
  });
});
