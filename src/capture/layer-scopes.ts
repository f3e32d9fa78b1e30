/** Which of a model's layers is being applied: their names, outermost first, for the nodes that are recorded meanwhile. */
import type { MethodWraps } from './wrap-methods.ts';

export interface LayerScopes {
  /** Names of the layers around the running code, outermost first. */
  readonly path: readonly string[];
  /** Wraps the layers that a tfjs package exports. */
  wrap(exports: object, wraps: MethodWraps): void;
}

/** Name of the function on V8's stack that stands for one layer of the path. */
export const layerFrame = 'applyLayerInItsScope';

function layerPrototype(exports: object): object | undefined {
  const { layers } = exports as { readonly layers?: { readonly Layer?: { readonly prototype: object } } };
  return layers?.Layer?.prototype;
}

export function createLayerScopes(): LayerScopes {
  const path: string[] = [];
  return {
    path,
    wrap(exports, wraps) {
      const prototype = layerPrototype(exports);
      if (prototype === undefined) return;
      wraps.wrap(
        prototype,
        'apply',
        (original) =>
          // On the stack under this name: see `layerFrame`.
          function applyLayerInItsScope(this: unknown, ...parameters: unknown[]): unknown {
            path.push(String((this as { readonly name?: unknown }).name));
            try {
              return original.apply(this, parameters);
            } finally {
              path.pop();
            }
          },
      );
    },
  };
}
