/** Wraps methods on prototypes so that all wraps can be taken off again, in any order relative to other tools' wraps. */

type Method = (this: unknown, ...parameters: unknown[]) => unknown;

/** What stands in for a method. */
export type AroundMethod = (original: Method) => Method;

export interface MethodWraps {
  /** Replaces `owner[name]` once; a second call for the same method does nothing. */
  wrap(owner: object, name: string, around: AroundMethod): void;
  unwrap(): void;
}

export function createMethodWraps(): MethodWraps {
  const wrapped: { owner: Record<string, unknown>; name: string; original: Method; wrapper: Method }[] = [];
  return {
    wrap(owner, name, around) {
      const target = owner as Record<string, unknown>;
      if (!Object.hasOwn(target, name) || typeof target[name] !== 'function') return;
      if (wrapped.some((entry) => entry.owner === target && entry.name === name)) return;
      const original = target[name] as Method;
      const wrapper = around(original);
      Object.defineProperty(target, name, {
        ...Object.getOwnPropertyDescriptor(target, name),
        value: wrapper,
      });
      wrapped.push({ owner: target, name, original, wrapper });
    },
    unwrap() {
      for (const { owner, name, original, wrapper } of wrapped) {
        if (owner[name] === wrapper) {
          Object.defineProperty(owner, name, {
            ...Object.getOwnPropertyDescriptor(owner, name),
            value: original,
          });
        }
      }
      wrapped.length = 0;
    },
  };
}
