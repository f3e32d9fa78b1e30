/**
 * Long lists of computed tensors that are stacked or concatenated (the gradients of all steps of a game, collected
 * samples): what is known of them is joined while recording. A graph then has one input for the list instead of one per
 * tensor, and lists of different lengths differ in a size only.
 */
import { isData } from './fold-rules.ts';
import type { LazyBackend } from './lazy-backend.ts';
import type { KernelConfig, TensorInfo } from './tf-module.ts';

/** Shorter lists stay as they are. */
export const listLength = 4;
/** Joined lists up to this size; beyond, copying in the graph is as good. */
const joinedBytes = 64 * 1024 * 1024;

function withAxis(shape: readonly number[], axis: number): number[] {
  return [...shape.slice(0, axis), 1, ...shape.slice(axis)];
}

/** The inputs of a Concat that equals a Pack: the same memory with one more axis. */
export function expandInputs(
  infos: readonly TensorInfo[],
  axis: number,
): { readonly infos: TensorInfo[]; readonly axis: number } {
  const position = axis < 0 ? axis + infos[0]!.shape.length + 1 : axis;
  return {
    infos: infos.map((info) => ({ ...info, shape: withAxis(info.shape, position) })),
    axis: position,
  };
}

/**
 * Joins runs of known tensors among the inputs of a Concat.
 * @returns the inputs with each run in the place of its tensors, and the ids to dispose of once the call is recorded;
 *   `undefined` when there is nothing to gain.
 */
export function joinKnownInputs(
  infos: readonly TensorInfo[],
  axis: number,
  backend: LazyBackend,
  concat: KernelConfig,
): { readonly infos: TensorInfo[]; readonly made: readonly TensorInfo[] } | undefined {
  const values = infos.map((info) => backend.current(info.dataId));
  const bytes = values.reduce((sum, value) => sum + value.type.sizeBytes, 0);
  if (bytes > joinedBytes) return undefined;
  const runs: TensorInfo[][] = [];
  for (const [index, info] of infos.entries()) {
    if (index > 0 && isData(values[index]) && isData(values[index - 1])) runs.at(-1)!.push(info);
    else runs.push([info]);
  }
  if (runs.length > infos.length / 2) return undefined;
  const made: TensorInfo[] = [];
  const joined = runs.map((run): TensorInfo => {
    if (run.length === 1) return run[0]!;
    const result = backend.runKernel(concat, run, { axis }) as TensorInfo;
    made.push(result);
    return result;
  });
  return { infos: joined, made };
}
