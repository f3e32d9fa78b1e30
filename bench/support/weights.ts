/**
 * Seeded weights and inputs: the same name and shape give the same values in every process, so that a tfjs program, its
 * copy on another backend and a hand-written ONNX model of the same network compute the same function.
 */

/** mulberry32, uniform in [0, 1). */
export function makeRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++)
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  return value;
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((size, dim) => size * dim, 1);

/** Uniform values in [low, high). */
export function uniform(seed: number, count: number, low: number, high: number): Float32Array {
  const random = makeRandom(seed);
  return Float32Array.from({ length: count }, () => low + (high - low) * random());
}

/** Uniform integers in [0, end). */
export function uniformInts(seed: number, count: number, end: number): Int32Array {
  const random = makeRandom(seed);
  return Int32Array.from({ length: count }, () => Math.floor(random() * end));
}

/** What a weight is: the last part of its name. Kernels are scaled so that activations keep their magnitude. */
function rangeOf(name: string, shape: readonly number[]): readonly [number, number] {
  const role = name.split('/').at(-1) ?? name;
  // The last norm of a residual branch starts near zero in practice; otherwise sixteen sums explode.
  if (role === 'gamma' && name.includes('residual')) return [0.1, 0.3];
  if (role === 'gamma' || role === 'moving_variance') return [0.8, 1.2];
  if (role === 'bias' || role === 'beta' || role === 'moving_mean') return [-0.1, 0.1];
  const fanIn =
    role === 'depthwise_kernel' ? sizeOf(shape.slice(0, 2)) : Math.max(1, sizeOf(shape.slice(0, -1)));
  // Half of what enters a convolution was cut off by ReLU.
  const gain = shape.length === 4 ? 6 : 3;
  const limit = role === 'embeddings' ? 0.5 : Math.sqrt(gain / fanIn);
  return [-limit, limit];
}

/** Values of the weight `name` (such as `conv1/kernel`). */
export function weight(name: string, shape: readonly number[]): Float32Array {
  const [low, high] = rangeOf(name, shape);
  return uniform(hash(name), sizeOf(shape), low, high);
}

/** `out[j][i] = in[i][j]` of a row-major matrix. */
export function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(values.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      result[column * rows + row] = values[row * columns + column] ?? 0;
  return result;
}

/** `[height, width, in, out]` to `[out, in, height, width]`. */
export function hwioToOihw(values: Float32Array, shape: readonly number[]): Float32Array {
  const [height = 1, width = 1, inputs = 1, outputs = 1] = shape;
  const result = new Float32Array(values.length);
  const area = height * width;
  for (let pixel = 0; pixel < area; pixel++)
    for (let input = 0; input < inputs; input++)
      for (let output = 0; output < outputs; output++)
        result[(output * inputs + input) * area + pixel] =
          values[(pixel * inputs + input) * outputs + output] ?? 0;
  return result;
}
