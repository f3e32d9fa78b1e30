import { nullJournal } from '../../src/minifier/journal.ts';
import type { Oracle } from '../../src/minifier/oracle.ts';
import { sourcePasses } from '../../src/minifier/passes/index.ts';
import { Problem, type ProblemOptions } from '../../src/minifier/problem.ts';
import { reduce, type ReductionEnd } from '../../src/minifier/reduce.ts';
import { canonicalTree } from '../../src/minifier/source/edit.ts';
import { forget, type SourceContext, type SourcePass } from '../../src/minifier/source/source-context.ts';
import {
  parseFile,
  sourceDomain,
  type SourceFormat,
  type SourceTree,
} from '../../src/minifier/source/source-tree.ts';
import { passed, type Signature, type Verdict } from '../../src/minifier/verdict.ts';

export const failure: Signature = { kind: 'crash', name: 'Error', message: 'planted', where: 'user' };
export const failing: Verdict = { kind: 'crash', signature: failure, message: 'planted' };

/** A program of one file. */
export function tree(text: string, format: SourceFormat = 'module'): SourceTree {
  const path = format === 'module' ? 'main.mjs' : 'main.cjs';
  const file = parseFile(path, text, format);
  if (file === undefined) throw new SyntaxError(text);
  return canonicalTree({ files: [file], entry: path });
}

/** A context that measures nothing. */
export function blindContext(parts: Partial<SourceContext> = {}): SourceContext {
  return {
    coverage: async () => undefined,
    observations: async () => [],
    keepsImports: false,
    visits: new Map(),
    refused: new Set(),
    ...parts,
  };
}

/** An oracle that is a function of the test case; answers take random times when `jitter` is given. */
export function predicateOracle<T>(fails: (testCase: T) => boolean, jitter?: () => number): Oracle<T> {
  return {
    judge: async (testCase) => {
      if (jitter) {
        await new Promise((resolve) => {
          setTimeout(resolve, jitter());
        });
      }
      return fails(testCase) ? failing : passed;
    },
    close: async () => {},
  };
}

export interface Reduced {
  readonly text: string;
  readonly tree: SourceTree;
  readonly end: ReductionEnd;
  readonly problem: Problem<SourceTree>;
}

export function problemFor<T>(
  initial: T,
  oracle: Oracle<T>,
  domain: ProblemOptions<T>['domain'],
  options: Partial<ProblemOptions<T>> = {},
): Problem<T> {
  return new Problem({
    initial,
    expected: failure,
    domain,
    oracle,
    journal: nullJournal,
    jobs: 1,
    budget: {},
    thoroughRuns: 1,
    isWarm: false,
    now: () => 0,
    onRecord: () => {},
    ...options,
  });
}

/** Reduces a program while `fails` holds for its text. */
export async function reduceText(
  text: string,
  fails: (text: string) => boolean,
  options: Partial<ProblemOptions<SourceTree>> & {
    readonly passes?: readonly SourcePass[];
    readonly format?: SourceFormat;
    readonly context?: SourceContext;
    readonly jitter?: () => number;
  } = {},
): Promise<Reduced> {
  const { passes = sourcePasses, format = 'module', context = blindContext(), jitter, ...rest } = options;
  const oracle = predicateOracle<SourceTree>((each) => fails(sourceDomain.text(each)), jitter);
  const problem = problemFor(tree(text, format), oracle, sourceDomain, rest);
  const end = await reduce(problem, passes, context, () => forget(context));
  return { text: sourceDomain.text(problem.best), tree: problem.best, end, problem };
}
