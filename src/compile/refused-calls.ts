/**
 * A model that onnxruntime refuses must not stop a program that eager kernels could run: the kernel that the refusal
 * blames loses its lowering for this graph, or all kernels do, so that their calls run on eager kernels and are reported.
 */
import { callNodes, type Graph } from '../ir/graph.ts';
import { BackendError } from '../ir/errors.ts';
import { blamedNode } from './backends/onnxruntime-errors.ts';
import type { OpDefinitions } from './lower.ts';

const refusedModel = 'FG3202';

/** Kernels without lowerings, and why. */
export interface Refused {
  readonly kernels: ReadonlySet<string>;
  readonly reason: string;
}

function blamedKernel(graph: Graph, refusal: BackendError): string | undefined {
  const { cause } = refusal;
  const blamed = cause instanceof Error ? blamedNode(cause.message) : undefined;
  // Lowered nodes are named after their call, behind a slash.
  return callNodes(graph).find(({ name }) => blamed === name || blamed?.startsWith(`${name}/`))?.kernel;
}

/**
 * The kernels that have to run eagerly after `failure`, beside those of `before`.
 * @returns undefined when the failure is no refusal of a model, or nothing is left to take out.
 */
export function refusedBy(failure: unknown, graph: Graph, before: Refused | undefined): Refused | undefined {
  if (!(failure instanceof BackendError) || failure.code !== refusedModel) return undefined;
  const all = new Set(callNodes(graph).map(({ kernel }) => kernel));
  const kernel = blamedKernel(graph, failure);
  const isNew = kernel !== undefined && before?.kernels.has(kernel) !== true;
  const kernels = isNew ? new Set([...(before?.kernels ?? []), kernel]) : all;
  return before?.kernels.size === all.size ? undefined : { kernels, reason: failure.message };
}

/** `table` without the lowerings of refused kernels. */
export function withoutRefused(table: OpDefinitions, { kernels }: Refused): OpDefinitions {
  return new Map(
    [...table].map(([kernel, definition]) => {
      if (!kernels.has(kernel)) return [kernel, definition];
      const { lower: _, ...rest } = definition;
      return [kernel, rest];
    }),
  );
}
