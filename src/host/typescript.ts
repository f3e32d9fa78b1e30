/** Loading of TypeScript programs by tsx, which knows the resolution rules and tsconfig paths that they rely on. */

const typescriptFile = /\.[mc]?tsx?$/;

/** Whether the script needs more than Node to be loaded. */
export function isTypescript(script: string | undefined): boolean {
  return script !== undefined && typescriptFile.test(script);
}

/** Registers tsx for `import` and `require`, unless the program runs under it already. */
export async function loadTypescript(): Promise<void> {
  if (process.execArgv.some((argument) => /(?:^|[\\/])tsx(?:[\\/]|$)/.test(argument))) return;
  const [esm, cjs] = await Promise.all([import('tsx/esm/api'), import('tsx/cjs/api')]);
  cjs.register();
  esm.register();
}
