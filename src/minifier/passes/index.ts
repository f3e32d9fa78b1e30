/** The reduction passes for source, in order. Tiers run to a fixed point one after the other, see `reduce.ts`. */
import type { SourcePass } from '../source/source-context.ts';
import { deleteElements } from './delete-elements.ts';
import { deleteStatements } from './delete-statements.ts';
import { deleteTokens } from './delete-tokens.ts';
import { dropModifiers } from './drop-modifiers.ts';
import { dropParameters } from './drop-parameters.ts';
import { flattenClasses } from './flatten-classes.ts';
import { inlineFunctions } from './inline-functions.ts';
import { inlineMembers } from './inline-members.ts';
import { inlineVariables } from './inline-variables.ts';
import { mergeFiles } from './merge-files.ts';
import { pruneUncovered } from './prune-uncovered.ts';
import { removeUnused } from './remove-unused.ts';
import { rename } from './rename.ts';
import { replaceByChild } from './replace-by-child.ts';
import { replaceByLiteral } from './replace-by-literal.ts';
import { shrinkNumbers } from './shrink-numbers.ts';
import { shrinkStrings } from './shrink-strings.ts';
import { unwrapStatements } from './unwrap-statements.ts';
import { useObservedValues } from './use-observed-values.ts';

export const sourcePasses: readonly SourcePass[] = [
  // What did not run, does not matter, or nobody uses.
  pruneUncovered,
  mergeFiles,
  removeUnused,
  deleteStatements,
  // Structure.
  useObservedValues,
  deleteElements,
  unwrapStatements,
  dropModifiers,
  dropParameters,
  inlineFunctions,
  inlineMembers,
  inlineVariables,
  flattenClasses,
  // Expressions.
  replaceByLiteral,
  replaceByChild,
  // Leftovers.
  deleteTokens,
  // Looks.
  shrinkNumbers,
  shrinkStrings,
  rename,
];
