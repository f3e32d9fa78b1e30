/**
 * The cuts around a training step: when an optimizer has updated its variables, the step is run as one graph, new values and
 * cost together, so that each step has the same graph however long the program goes without reading. What variables are
 * made of before it (initializers, averages of weights) and what is pending before `fit` (preparation of the data) are graphs
 * of their own, or the first step would have another one.
 */
import type { LazyBackend } from './lazy-backend.ts';
import type { LazyValue } from './pending.ts';
import type { Recorder } from './recorder.ts';
import type { BreakCause, Reporter } from './reporter.ts';
import type { Engine, WrappableClass } from './tf-module.ts';
import type { AroundMethod, MethodWraps } from './wrap-methods.ts';

/** A prototype's class is an optimizer when its name says so: all of tfjs's do, and their minified names are exports. */
const optimizerExport = /^(?:[A-Z][A-Za-z]*)?Optimizer$/;

export interface TrainingStepContext {
  readonly recorder: Recorder;
  readonly reporter: Reporter;
  readonly engine: Engine;
  readonly backend: () => LazyBackend | undefined;
}

const trainingMethods = ['fit', 'fitDataset'];

/** Wraps the optimizers and the models that a tfjs package exports. */
export function wrapTraining(exports: object, wraps: MethodWraps, context: TrainingStepContext): void {
  const { recorder, reporter, engine } = context;
  let depth = 0;
  let recordedBefore = 0;

  function pendingVariables(): LazyValue[] {
    const backend = context.backend();
    if (backend === undefined || !recorder.isPending) return [];
    return Object.values(engine.registeredVariables).flatMap(({ dataId }) => {
      const value = backend.data.find(dataId);
      return value !== undefined && value.host === undefined && value.node?.component !== undefined
        ? [value]
        : [];
    });
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
  const around: AroundMethod = (original) =>
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

  const behindAll: AroundMethod = (original) =>
    function (this: unknown, ...parameters: unknown[]): unknown {
      recorder.flushAll();
      return original.apply(this, parameters);
    };

  for (const [name, exported] of Object.entries(exports)) {
    if (name === 'LayersModel' && typeof exported === 'function') {
      const { prototype } = exported as unknown as WrappableClass;
      for (const method of trainingMethods) wraps.wrap(prototype, method, behindAll);
    }
    if (!optimizerExport.test(name) || typeof exported !== 'function') continue;
    const { prototype } = exported as unknown as WrappableClass;
    wraps.wrap(prototype, 'minimize', around);
    wraps.wrap(prototype, 'applyGradients', around);
  }
}
