/** The op table: every kernel that fullgraph knows, by tfjs's name. A new family is one file and one line here. */
import type { OpDefinition } from './define-op.ts';

const families: readonly (readonly OpDefinition[])[] = [];

export const opTable: ReadonlyMap<string, OpDefinition> = new Map(
  families.flat().map((definition) => [definition.kernel, definition]),
);
