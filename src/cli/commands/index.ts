/** Every command, in the order of the overview. The code of one is loaded when it is asked for. */
import type { Command } from '../command.ts';

const loaders: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import('./run.ts')).runCommand,
  explain: async () => (await import('./explain.ts')).explainCommand,
  inspect: async () => (await import('./inspect.ts')).inspectCommand,
  minify: async () => (await import('./minify.ts')).minifyCommand,
  export: async () => (await import('./export.ts')).exportCommand,
  diff: async () => (await import('./diff.ts')).diffCommand,
  why: async () => (await import('./why.ts')).whyCommand,
  backends: async () => (await import('./backends.ts')).backendsCommand,
  doctor: async () => (await import('./doctor.ts')).doctorCommand,
};

export const commandNames: readonly string[] = Object.keys(loaders);

/** `undefined` when there is no command of that name. */
export async function loadCommand(name: string): Promise<Command | undefined> {
  return Object.hasOwn(loaders, name) ? loaders[name]!() : undefined;
}

export async function loadCommands(): Promise<readonly Command[]> {
  return Promise.all(Object.values(loaders).map((load) => load()));
}
