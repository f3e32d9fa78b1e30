/** The part of a captured graph that a reduced model came from, and the program that it is. */
import { describe, expect, it } from 'vitest';
import { parseGraph } from '../../../src/ir/parse.ts';
import { printGraph } from '../../../src/ir/print.ts';
import {
  callsOf,
  partOf,
  withProducers,
  type CapturedSource,
} from '../../../src/minifier/graph/captured-graph.ts';
import { tfjsScript } from '../../../src/minifier/graph/tfjs-script.ts';
import { GraphWriter, type OnnxModel } from '../../../src/onnx/index.ts';
import { floats } from './support.ts';

const graph = parseGraph(`graph g1
  input x: float32[2,3]
  const c: float32[] = [2]
  hidden: float32[2,3] = Tanh(x)
  scaled: float32[2,3] = Multiply(hidden, c)
  mean: float32[2] = Mean(scaled) {"axis":-1,"keepDims":false}
  relu: float32[2] = Relu(mean)
  return relu
`);

function modelOf(...nodeNames: string[]): OnnxModel {
  const writer = new GraphWriter('g');
  const x = writer.input('x', 'float32', [2]);
  for (const name of nodeNames) {
    writer.output(writer.addNode({ opType: 'Abs', inputs: [x], outputs: 1, name })[0]!, 'float32', [2]);
  }
  return writer.toModel();
}

const source: CapturedSource = {
  graph,
  inputNames: (kernel) => (kernel === 'Multiply' ? ['a', 'b'] : ['x']),
  toModel: () => modelOf('relu'),
};

describe('callsOf', () => {
  it('reads calls off the names of nodes', () => {
    const calls = callsOf(source, modelOf('scaled/Mul_0', 'mean/ReduceMean_0', 'mean/Reshape_1', 'stranger'));
    expect([...calls]).toEqual(['scaled', 'mean']);
  });
});

describe('partOf', () => {
  it('reads what others made from outside, and returns what nobody reads', () => {
    expect(printGraph(partOf(graph, new Set(['scaled', 'mean'])))).toMatchInlineSnapshot(`
      "graph g1
        input hidden: float32[2,3]
        const c: float32[] = [2]
        scaled: float32[2,3] = Multiply(hidden, c)
        mean: float32[2] = Mean(scaled) {"axis":-1,"keepDims":false}
        return mean
      "
    `);
  });

  it('grows by the calls that made what it reads', () => {
    expect([...withProducers(graph, new Set(['mean']))]).toEqual(['mean', 'scaled']);
  });
});

describe('tfjsScript', () => {
  it('calls public functions where they say the same as the kernel', () => {
    const part = partOf(graph, new Set(['scaled', 'mean', 'relu']));
    const script = tfjsScript({
      part,
      source,
      model: source.toModel(part),
      inputs: new Map([['hidden', floats('hidden', [2, 3])]]),
      subject: { level: 'basic', resolveFrom: import.meta.url },
      signature: { kind: 'diverge', name: 'wrong numbers', message: '', where: '' },
      tolerance: { relative: 1e-3, absolute: 1e-5 },
      timeLimitMs: 1_000.5,
    });
    expect(script).toContain('timeout: 1001,');
    const body = script.slice(script.indexOf('function program'), script.indexOf('const model'));
    expect(body).toMatchInlineSnapshot(`
      "function program(tensors) {
        const x0 = tensors["hidden"];
        const x1 = tf.scalar(2, 'float32');
        const v0 = tf.mul(x0, x1);
        const v1 = tf.engine().runKernel('Mean', { x: v0 }, { "axis": -1, "keepDims": false });
        const v2 = tf.relu(v1);
        return { "relu:0": v2 };
      }

      "
    `);
  });
});
