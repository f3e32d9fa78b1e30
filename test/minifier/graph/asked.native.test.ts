/** What counts as the failure of a model, and what does not: a command's word, NaN, values that were only drawn. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runScript } from '../../../src/minifier/repro/repro-folder.ts';
import { GraphWriter, readModelFile, type OnnxModel } from '../../../src/onnx/index.ts';
import { searchesOf, timeoutMs } from './searches.ts';

const { folder, minify } = searchesOf('asked');

function model(write: (graph: GraphWriter) => string): OnnxModel {
  const graph = new GraphWriter('asked');
  graph.output(write(graph), 'float32');
  return graph.toModel();
}

describe('a command', () => {
  const chain = (graph: GraphWriter, x: string, opTypes: readonly string[]): string =>
    opTypes.reduce((value, opType) => graph.add(opType, [value]), x);

  test(
    'decides alone: onnxruntime runs the model, which becomes the two nodes that the command looks for',
    async () => {
      const check = join(folder, 'check.mjs');
      writeFileSync(
        check,
        `import { readFileSync } from 'node:fs';
const text = readFileSync('model.onnx', 'latin1');
readFileSync('inputs.npz');
// As types of operators: names of values go last.
process.exitCode = text.includes('"\\u0003Erf') && text.includes('"\\u0004Sinh') ? 0 : 1;
`,
      );
      const planted = model((graph) =>
        chain(
          graph,
          graph.input('x', 'float32', ['rows', 4]),
          'Abs Neg Tanh Erf Cos Sin Exp Sinh Relu Neg Abs Neg Cos'.split(' '),
        ),
      );
      const command = `${process.execPath} ${check}`;
      const result = await minify({ model: planted, fail: 'custom', command });
      expect(result.best.model.graph.nodes.map((node) => node.opType).toSorted()).toEqual(['Erf', 'Sinh']);
      expect(result.signature.kind).toBe('custom');
      expect(result.isVerified).toBe(true);
      expect(readModelFile(join(result.directory!, 'model.onnx')).graph.nodes).toHaveLength(2);
      expect(readFileSync(join(result.directory!, 'package.json'), 'utf8')).not.toContain('onnxruntime');
      const again = await runScript(result.directory!, 20_000);
      expect(again).toEqual({ exitCode: 1, output: 'FAIL' });
      await expect(
        minify({
          model: model((graph) => chain(graph, graph.input('x', 'float32', [2]), ['Abs'])),
          fail: 'custom',
          command,
        }),
      ).rejects.toMatchObject({ code: 'FG4004' });
    },
    timeoutMs,
  );

  test(
    'may look for operators that onnxruntime does not have',
    async () => {
      const planted = model((graph) =>
        graph.add('Neg', [graph.add('my.domain:Twice', [graph.input('x', 'float32', [2])])]),
      );
      const result = await minify({ model: planted, fail: 'custom', command: 'grep -q Twice model.onnx' });
      expect(result.best.model.graph.nodes.map((node) => node.opType)).toEqual(['Twice']);
      await expect(minify({ model: planted })).rejects.toMatchObject({
        code: 'FG4005',
        message: 'minify: onnxruntime does not have the operator my.domain:Twice',
      });
    },
    timeoutMs,
  );
});

test(
  'NaN that only the optimized model makes is a failure that need not be named',
  async () => {
    const planted = model((graph) => {
      const x = graph.input('x', 'float32', [1, 1, 4, 4]);
      const negative = graph.add('Sub', [
        graph.add('Neg', [graph.add('Abs', [x])]),
        graph.scalar(0.5, 'float32'),
      ]);
      const padded = graph.add('Pad', [negative, graph.ints([0, 0, 1, 1, 0, 0, 1, 1])]);
      const pooled = graph.add('MaxPool', [padded], { kernel_shape: [3, 3] });
      return graph.add('Log', [graph.add('Add', [pooled, graph.scalar(0.4, 'float32')])]);
    });
    const result = await minify({ model: planted });
    expect(result.signature.kind).toBe('nan');
    expect(result.introducedBy).toContain('PadFusion');
    expect(result.isVerified).toBe(true);
    await expect(minify({ model: planted, fail: 'diverge' })).rejects.toMatchObject({
      code: 'FG4004',
      message: expect.stringContaining('the model does not fail with diverge, it shows output') as string,
    });
  },
  timeoutMs,
);

describe('a model that does not run at all', () => {
  /** Mirrors three columns: there must be four. */
  const mirrored = model((graph) => {
    const wide = graph.add('Neg', [graph.input('x', 'float32', ['rows', 'columns'])]);
    return graph.add('Pad', [wide, graph.ints([0, 3, 0, 3])], { mode: 'reflect' });
  });

  test('because of values that we drew is not taken for a failure', async () => {
    await expect(minify({ model: mirrored })).rejects.toMatchObject({
      code: 'FG4004',
      message: expect.stringContaining('on values drawn for x the model does not run') as string,
      hint: expect.stringContaining('--sizes') as string,
    });
    for (const sizes of [{ columns: 4 }, { x: [1, 4] }]) {
      await expect(minify({ model: mirrored, sizes })).rejects.toMatchObject({
        message: expect.stringContaining('does not fail: with and without optimizations') as string,
      });
    }
  });

  test(
    'is one when that is asked for, or the values were given',
    async () => {
      const asked = await minify({ model: mirrored, fail: 'crash' });
      expect(asked.sizeAfter).toBe(1);
      const x = { name: 'x', dataType: 'float32', dims: [2, 2], data: Float32Array.of(1, 2, 3, 4) } as const;
      const given = await minify({ model: mirrored, inputs: new Map([['x', x]]) });
      expect(given.best.model.graph.nodes.map((node) => node.opType)).toEqual(['Pad']);
      expect(readFileSync(join(given.directory!, 'README.md'), 'utf8')).toContain('\nThe model runs.\n');
    },
    timeoutMs,
  );

  test('has no sizes but its own', async () => {
    await expect(minify({ model: mirrored, sizes: { colums: 4 } })).rejects.toMatchObject({
      code: 'FG4002',
      message: 'minify: the model has no open size colums; its inputs are x: float32[rows,columns]',
    });
    await expect(minify({ model: mirrored, sizes: { y: [1, 4] } })).rejects.toMatchObject({ code: 'FG4002' });
  });
});
