/**
 * Makes tfjs hand the arguments of its operations to the engine. Every public op is wrapped by tfjs-core's `op()`, which
 * calls `ENGINE.startScope(opName)` with the arguments at hand but does not pass them on; namespaces of modules
 * cannot be patched, so the source of that one call is, while Node compiles the package. Without the patch (another build of
 * tfjs), recording falls back to kernels.
 */
import { Module } from 'node:module';

const patched = [
  ['ENGINE.startScope(opName);', 'ENGINE.startScope(opName, args);'],
  ['ENGINE.startScope(opName),', 'ENGINE.startScope(opName, args),'],
] as const;

interface Compiler {
  _compile(this: unknown, content: string, filename: string, ...rest: unknown[]): unknown;
}

/** Must run before tfjs is loaded. */
export function patchOpWrapper(): void {
  const prototype = Module.prototype as unknown as Compiler;
  const original = prototype._compile;
  prototype._compile = function compile(content, filename, ...rest) {
    let text = content;
    if (text.includes('ENGINE.startScope(opName)')) {
      for (const [from, to] of patched) text = text.replaceAll(from, to);
    }
    return original.call(this, text, filename, ...rest);
  };
}
