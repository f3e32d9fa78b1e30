/**
 * A second run in double precision beside the first: each kernel call of the program is repeated in doubles, on what the calls
 * before it gave in doubles. The program itself sees nothing of it, so both runs take the same way; what it writes is exact by
 * definition. (PyTorch's minifier runs the model again in float64; here there is no model, only calls.)
 */
import type { HostTensor } from './compare.ts';
import { mapInputs, type KernelRunner } from './kernel-runner.ts';
import type { EngineTensor, NamedTensors } from './tf-engine.ts';

type Values = HostTensor['values'];

export interface ExactShadow {
  /** A kernel has run. */
  follow(kernel: string, inputs: NamedTensors, attributes: unknown, results: readonly EngineTensor[]): void;
  /** Values in double precision; none of what the program wrote itself. */
  valuesOf(dataId: object): Values | undefined;
  /** Kernels whose results were taken as they were, because there is no such kernel in doubles. */
  readonly unknown: ReadonlySet<string>;
}

/** @param read what the program's run has. */
export function createExactShadow(
  runner: KernelRunner,
  read: (tensor: EngineTensor) => HostTensor,
): ExactShadow {
  // By storage, so that they go when the program's values go.
  const shadows = new WeakMap<object, Values>();
  const unknown = new Set<string>();

  const exactOf = (tensor: EngineTensor): HostTensor => {
    const { dataId, shape, dtype } = tensor;
    const values = shadows.get(dataId);
    return values === undefined ? read(tensor) : { shape, dtype, values };
  };

  return {
    follow: (kernel, inputs, attributes, results) => {
      const given = Object.values(inputs).filter((input) => input !== undefined && input !== null);
      if ([...given, ...results].some(({ dtype }) => dtype === 'string')) return;
      // What only got another name or shape has its values already.
      const made = results.map(({ dataId }) => !given.some((input) => input.dataId === dataId));
      if (!made.includes(true)) return;
      const exact = runner.run(
        kernel,
        mapInputs(inputs, (input) => (input ? exactOf(input) : input)),
        attributes,
      );
      results.forEach((result, index) => {
        if (made[index] !== true) return;
        const value = exact?.[index];
        const isSame = value?.shape.join() === result.shape.join() && value?.dtype === result.dtype;
        if (value !== undefined && isSame) shadows.set(result.dataId, value.values);
        else unknown.add(kernel);
      });
    },
    valuesOf: (dataId) => shadows.get(dataId),
    unknown,
  };
}
