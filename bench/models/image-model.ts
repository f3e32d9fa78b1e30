/** What the image networks share: a 224x224 image in NHWC for tfjs, in NCHW for ONNX. */
import type * as tfjs from '@tensorflow/tfjs';
import { GraphWriter } from '../../src/onnx/index.ts';
import { uniform } from '../support/weights.ts';
import { seedLayers, type InferenceModel, type Tfjs } from './define-model.ts';

const side = 224;
export const classes = 1000;

/** Coloured tiles: noise would look the same to a network that averages at its end. */
function makeImage(seed: number): Float32Array {
  const tile = 32;
  const tiles = side / tile;
  const colours = uniform(seed, tiles * tiles * 3, -1, 1);
  return Float32Array.from({ length: side * side * 3 }, (_, index) => {
    const pixel = Math.floor(index / 3);
    const row = Math.floor(pixel / side / tile);
    const column = Math.floor((pixel % side) / tile);
    return colours[(row * tiles + column) * 3 + (index % 3)] ?? 0;
  });
}

/** `draw` gets the NCHW image and returns the class probabilities. */
export function defineImageModel(
  name: string,
  makeModel: (tf: Tfjs) => tfjs.LayersModel,
  draw: (graph: GraphWriter, image: string) => string,
): InferenceModel {
  const shape = [1, side, side, 3];
  return {
    kind: 'inference',
    name,
    makeInput: (seed) => ({ data: makeImage(seed), shape, dtype: 'float32' }),
    build: (tf) => {
      const model = makeModel(tf);
      seedLayers(tf, model);
      return (input) => model.predict(input) as tfjs.Tensor;
    },
    onnx: () => {
      const graph = new GraphWriter(name);
      graph.input('input', 'float32', shape);
      // The caller has an NHWC image on both sides, so the transposition of three channels belongs to both.
      const image = graph.add('Transpose', ['input'], { perm: [0, 3, 1, 2] });
      graph.output(draw(graph, image), 'float32', [1, classes]);
      return graph.toModel();
    },
  };
}
