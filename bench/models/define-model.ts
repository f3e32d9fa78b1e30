/** What a benchmark program is: tfjs code as a user writes it, its inputs and, for inference, the same network in ONNX. */
import type * as tfjs from '@tensorflow/tfjs';
import type { OnnxModel } from '../../src/onnx/index.ts';
import { weight } from '../support/weights.ts';

export type Tfjs = typeof tfjs;

export interface ModelInput {
  readonly data: Float32Array | Int32Array;
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'int32';
}

export interface InferenceModel {
  readonly kind: 'inference';
  readonly name: string;
  /** Another input for each seed: a constant one would let a compiler fold the network away. */
  readonly makeInput: (seed: number) => ModelInput;
  /** Makes the network on the active backend; the function runs it once. */
  readonly build: (tf: Tfjs) => (input: tfjs.Tensor) => tfjs.Tensor;
  /** The network by hand: NCHW, folded constants; one input, one output. */
  readonly onnx: () => OnnxModel;
}

export interface TrainingModel {
  readonly kind: 'training';
  readonly name: string;
  readonly makeBatch: (seed: number) => { readonly x: ModelInput; readonly y: ModelInput };
  /** Makes network and optimizer on the active backend; the function does one step and returns the loss. */
  readonly build: (tf: Tfjs) => (x: tfjs.Tensor, y: tfjs.Tensor) => Promise<number>;
  /** wasm has no gradients of convolutions. */
  readonly runsOnWasm: boolean;
}

export type BenchModel = InferenceModel | TrainingModel;

/** Gives every layer its seeded weights, by the names of layer and weight. */
export function seedLayers(tf: Tfjs, model: tfjs.LayersModel): void {
  for (const layer of model.layers) {
    if (layer.weights.length === 0) continue;
    const values = layer.weights.map((variable) => {
      const shape = variable.shape.map((dim) => dim ?? 1);
      const role = variable.originalName.split('/').at(-1) ?? '';
      return tf.tensor(weight(`${layer.name}/${role}`, shape), shape);
    });
    layer.setWeights(values);
    tf.dispose(values);
  }
}
