/**
 * The cuts around a training step: when an optimizer has updated its variables, the step is run as one graph, new values and
 * cost together, so that each step has the same graph however long the program goes without reading. What variables are
 * made of before it (initializers, averages of weights) is a graph of its own, or the first step would have another one.
 */
import type { LazyBackend } from './lazy-backend.ts';
import type { LazyValue } from './pending.ts';
import type { Recorder } from './recorder.ts';
import type { BreakCause, Reporter } from './reporter.ts';
import type { Engine, WrappableClass } from './tf-module.ts';
import type { MethodWraps } from './wrap-methods.ts';

/** A prototype's class is an optimizer when its name says so: all of tfjs's do, and their minified names are exports. */
const optimizerExport = /^(?:[A-Z][A-Za-z]*)?Optimizer$/;

export interface TrainingStepContext {
  readonly recorder: Recorder;
  readonly reporter: Reporter;
  readonly engine: Engine;
  readonly backend: () => LazyBackend | undefined;
}

/** Wraps the optimizers that a tfjs package exports. */
export function wrapOptimizers(exports: object, wraps: MethodWraps, context: TrainingStepContext): void {
  const { recorder, reporter, engine } = context;
  let depth = 0;
  let recordedBefore = 0;

  function pendingVariables(): LazyValue[] {
    const backend = context.backend();
    if (backend === undefined) return [];
    return Object.values(engine.registeredVariables)
      .flatMap(({ dataId }) => (backend.data.has(dataId) ? [backend.data.get(dataId)] : []))
      .filter((value) => value.host === undefined && value.node?.component !== undefined);
  }

  function cut(flush: (cause: BreakCause) => void): void {
    flush({ reason: 'FG1011', stack: reporter.stacks?.take() });
  }

  function begin(): void {
    const pending = pendingVariables();
    if (pending.length > 0) cut((cause) => recorder.flushFor(pending, cause));
    recordedBefore = recorder.recordedNodes;
  }

  /** The step ends with the outermost call: `minimize` disposes the gradients after it has applied them. */
  const around = (original: (this: unknown, ...parameters: unknown[]) => unknown) =>
    function (this: unknown, ...parameters: unknown[]): unknown {
      if (depth++ === 0) begin();
      let result: unknown;
      try {
        result = original.apply(this, parameters);
      } finally {
        depth--;
      }
      if (depth === 0 && pendingVariables().length > 0) {
        cut((cause) => recorder.flushSince(recordedBefore, cause));
      }
      return result;
    };

  for (const [name, exported] of Object.entries(exports)) {
    if (!optimizerExport.test(name) || typeof exported !== 'function') continue;
    const { prototype } = exported as unknown as WrappableClass;
    wraps.wrap(prototype, 'minimize', around);
    wraps.wrap(prototype, 'applyGradients', around);
  }
}
