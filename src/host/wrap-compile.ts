/** The place where Node compiles CommonJS: what is no public interface of it, named once. */
import Module from 'node:module';

/** Compiles the text of a module and runs it; `this` is the module. */
export type CompileModule = (this: unknown, text: string, file: string, ...rest: unknown[]) => unknown;

/** @param wrap gets what compiled until now, which may be the wrapper of another tool. */
export function wrapCompile(wrap: (original: CompileModule) => CompileModule): void {
  const { prototype } = Module as unknown as { readonly prototype: { _compile: CompileModule } };
  prototype._compile = wrap(prototype._compile);
}
