/** Each pass alone: what it takes away while anything at all counts as the failure. */
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { GraphCase } from '../../../src/minifier/graph/graph-case.ts';
import { graphPasses } from '../../../src/minifier/graph/passes/index.ts';
import { smallerSizes } from '../../../src/minifier/graph/passes/shrink-dims.ts';
import { printOnnx, type GraphWriter } from '../../../src/onnx/index.ts';
import { caseOf, floats, reduceCase } from './support.ts';

async function after(name: string, write: (graph: GraphWriter) => void): Promise<GraphCase> {
  const passes = graphPasses.filter((pass) => pass.name === name);
  expect(passes).toHaveLength(1);
  const { best, damaged } = await reduceCase(caseOf(write), () => true, { passes });
  expect(damaged).toEqual([]);
  return best;
}

function text({ model }: GraphCase): string {
  return printOnnx(model)
    .split('\n')
    .slice(1)
    .map((line) => line.trim())
    .filter((line) => line !== '' && line !== '}')
    .join('\n');
}

describe('passes', () => {
  it('are one file each, named after what they export', () => {
    const folder = new URL('../../../src/minifier/graph/passes/', import.meta.url);
    const files = readdirSync(folder).map((file) => file.replace('.ts', ''));
    const names = graphPasses.map(({ name }) => name.replace(/-inside$/, ''));
    expect([...new Set(names)].toSorted()).toEqual(files.filter((name) => name !== 'index').toSorted());
  });

  it('constants-to-initializers makes data of Constant nodes', async () => {
    const best = await after('constants-to-initializers', (graph) => {
      const x = graph.input('x', 'float32', [2]);
      graph.output(
        graph.add('Add', [x, graph.add('Constant', [], { value: floats('v', [2]) })]),
        'float32',
        [2],
      );
    });
    expect(best.model.graph.nodes.map((node) => node.opType)).toEqual(['Add']);
    expect(best.model.graph.initializers).toHaveLength(1);
  });

  it('drop-outputs keeps the last that makes every node live', async () => {
    const best = await after('drop-outputs', (graph) => {
      const half = graph.add('Abs', [graph.input('x', 'float32', [2])]);
      graph.output(half, 'float32', [2]);
      graph.output(graph.add('Neg', [half]), 'float32', [2]);
    });
    expect(best.model.graph.outputs.map(({ name }) => name)).toEqual(['Neg:0']);
  });

  it('drop-operands leaves what an operator needs', async () => {
    const best = await after('drop-operands', (graph) => {
      const bounds = [graph.scalar(0, 'float32'), graph.scalar(6, 'float32')];
      graph.output(graph.add('Clip', [graph.input('x', 'float32', [2]), ...bounds]), 'float32', [2]);
    });
    expect(best.model.graph.nodes[0]!.inputs).toEqual(['x']);
    expect(best.model.graph.initializers).toEqual([]);
  });

  it('merge-tensors feeds one value twice', async () => {
    const best = await after('merge-tensors', (graph) => {
      const [x, y] = [graph.input('x', 'float32', [2]), graph.input('y', 'float32', [2])];
      graph.output(graph.add('Add', [x, y]), 'float32', [2]);
    });
    expect(best.model.graph.nodes[0]!.inputs).toEqual(['x', 'x']);
    expect([...best.inputs.keys()]).toEqual(['x']);
  });

  it('inputs-to-initializers leaves nothing to feed', async () => {
    const best = await after('inputs-to-initializers', (graph) => {
      graph.output(graph.add('Abs', [graph.input('x', 'float32', [2])]), 'float32', [2]);
    });
    expect(best.inputs.size).toBe(0);
    expect(best.model.graph.inputs).toEqual([]);
  });

  it('default-attributes keeps those that must be there', async () => {
    const best = await after('default-attributes', (graph) => {
      const x = graph.input('x', 'float32', [2]);
      const soft = graph.add('Softmax', [x], { axis: 0 });
      graph.output(graph.add('Cast', [soft], { to: 1, saturate: 0 }), 'float32', [2]);
    });
    expect(best.model.graph.nodes.map((node) => Object.keys(node.attributes))).toEqual([[], ['to']]);
  });

  it('simplify-types changes a type wherever it stands', async () => {
    const best = await after('simplify-types', (graph) => {
      const x = graph.add('Cast', [graph.input('x', 'float32', [2])], { to: 11 });
      graph.output(graph.add('Add', [x, graph.scalar(0.5, 'float64')]), 'float64', [2]);
    });
    expect(text(best)).toMatchInlineSnapshot(`
      "graph planted(x: float32[2]) {
      constant = float32[] {0.5}
      Cast:0 = Cast(x) {to: 1}
      Add:0 = Add(Cast:0, constant)
      return Add:0: float32[2]"
    `);
  });

  it('simplify-values takes the plainest that fails', async () => {
    const best = await after('simplify-values', (graph) => {
      const weights = graph.initializer(Float32Array.of(0.123, -4.567), [2]);
      graph.output(graph.add('Mul', [graph.input('x', 'float32', [2]), weights]), 'float32', [2]);
    });
    expect(text(best)).toMatchInlineSnapshot(`
      "graph planted(x: float32[2]) {
      constant = float32[2] {1.0, 1.0}
      Mul:0 = Mul(x, constant)
      return Mul:0: float32[2]"
    `);
  });

  it('shorten-names and strip-metadata leave no word too many', async () => {
    const write = (graph: GraphWriter): void => {
      graph.label('encoder');
      const image = graph.input('image_of_a_cat', 'float32', [2]);
      const scaled = graph.add('Mul', [image, graph.scalar(2, 'float32')]);
      graph.output(graph.add('Relu', [scaled]), 'float32', [2]);
    };
    expect(text(await after('shorten-names', write))).toMatchInlineSnapshot(`
      "graph g(x: float32[2]) {
      c = float32[] {2.0}
      v0 = Mul(x, c)
      v1 = Relu(v0)
      return v1: float32[2]"
    `);
    expect((await after('strip-metadata', write)).model.producerName).toBeUndefined();
  });

  it('shrink-dims tries the smallest sizes first, and the next smaller one last', () => {
    expect(smallerSizes(1)).toEqual([]);
    expect(smallerSizes(2)).toEqual([1]);
    expect(smallerSizes(20)).toEqual([1, 2, 3, 4, 6, 9, 14, 19]);
  });
});
