/**
 * The cut at the end of a training step: when an optimizer has updated its variables, the step is run as one graph, new
 * values and cost together, so that each step has the same graph however long the program goes without reading.
 */
import type { LazyBackend } from './lazy-backend.ts';
import type { Recorder } from './recorder.ts';
import type { Reporter } from './reporter.ts';
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

  function hasPendingVariables(): boolean {
    const backend = context.backend();
    if (backend === undefined) return false;
    return Object.values(engine.registeredVariables).some(({ dataId }) => {
      if (!backend.data.has(dataId)) return false;
      const value = backend.data.get(dataId);
      return value.host === undefined && value.node?.component !== undefined;
    });
  }

  /** The step ends with the outermost call: `minimize` disposes the gradients after it has applied them. */
  const around = (original: (this: unknown, ...parameters: unknown[]) => unknown) =>
    function (this: unknown, ...parameters: unknown[]): unknown {
      if (depth++ === 0) recordedBefore = recorder.recordedNodes;
      let result: unknown;
      try {
        result = original.apply(this, parameters);
      } finally {
        depth--;
      }
      if (depth === 0 && hasPendingVariables()) {
        recorder.flushSince(recordedBefore, { reason: 'FG1011', stack: reporter.stacks?.take() });
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
