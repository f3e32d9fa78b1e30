/**
 * Runs single kernels of a tfjs backend on values of the host, apart from the tensors of the program: what a kernel's result is
 * compared with. Everything that a call makes is disposed of again.
 */
import type { HostTensor } from './compare.ts';
import type { EngineTensor, KernelBackend, KernelConfig, NamedTensors } from './tf-engine.ts';

/** Inputs by name, or a list of them; what a kernel was not given is absent. */
export type HostInputs = Readonly<Record<string, HostTensor>>;

export interface KernelRunner {
  /** Results of the kernel; none when there is no such kernel, or when it does not take these inputs. */
  run(kernel: string, inputs: HostInputs, attributes: unknown): HostTensor[] | undefined;
}

/** The same names, or the same list, of something else. */
export function mapInputs<From, To>(
  inputs: Readonly<Record<string, From>>,
  to: (input: From) => To,
): Readonly<Record<string, To>> {
  if (Array.isArray(inputs)) return inputs.map(to) as unknown as Record<string, To>;
  return Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, to(input)]));
}

/** An array of its own, of the same type. */
function copyOf(values: ArrayLike<number>): ArrayLike<number> {
  return ArrayBuffer.isView(values) ? (values as Float64Array).slice() : Array.from(values);
}

/** Real or imaginary parts out of pairs. */
function everySecond(values: ArrayLike<number>, offset: number): ArrayLike<number> {
  return (copyOf(values) as Float64Array).filter((_, index) => index % 2 === offset);
}

/** Kernels of `backend` by their names. */
export function createKernelRunner(
  backend: KernelBackend,
  find: (kernel: string) => KernelConfig | undefined,
): KernelRunner {
  const call = (config: KernelConfig, inputs: NamedTensors, attrs: unknown): EngineTensor[] =>
    [config.kernelFunc({ inputs, attrs, backend })].flat();
  return {
    run: (kernel, inputs, attributes) => {
      const config = find(kernel);
      if (config === undefined) return undefined;
      const made: EngineTensor[] = [];
      const writeValues = (tensor: HostTensor): EngineTensor => {
        const { shape, dtype, values } = tensor;
        const written = { id: 0, shape, dtype, dataId: backend.write(copyOf(values), shape, dtype) };
        made.push(written);
        return written;
      };
      const write = (tensor: HostTensor | null | undefined): EngineTensor | null | undefined => {
        if (tensor === undefined || tensor === null) return tensor;
        const { values } = tensor;
        if (tensor.dtype !== 'complex64') return writeValues(tensor);
        const parts = [0, 1].map((offset) =>
          writeValues({ ...tensor, dtype: 'float32', values: everySecond(values, offset) }),
        );
        const written = call(find('Complex')!, { real: parts[0]!, imag: parts[1]! }, {});
        made.push(...written);
        return written[0];
      };
      try {
        const outputs = call(config, mapInputs(inputs, write) as NamedTensors, attributes);
        made.push(...outputs);
        return outputs.map(({ shape, dtype, dataId }) => ({
          shape,
          dtype,
          values: copyOf(backend.readSync(dataId)),
        }));
      } catch {
        return undefined;
      } finally {
        for (const { dataId } of made) backend.disposeData(dataId, true);
      }
    },
  };
}
