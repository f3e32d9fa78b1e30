/**
 * Rebuilds the failure from the run instead of shrinking its text: records the tfjs calls of the failing run, takes the one
 * that failed with as few of the calls before it as are needed, and shrinks that. Finds programs of one to three lines in
 * some dozens of trials where it applies; where it does not, the syntax passes go on with the program itself.
 */
import type { Recording } from '../program/messages.ts';
import type { ProgramOracle } from '../program/program-oracle.ts';
import type { Problem } from '../problem.ts';
import type { SourceTree } from '../source/source-tree.ts';
import { showsFailure, type Signature } from '../verdict.ts';
import { printSnippet } from './print-snippet.ts';
import { shrinkSnippet } from './shrink-snippet.ts';
import { failingCalls, snippetFrom, type Snippet } from './snippet.ts';

/** Elements above which a tensor's values are not recorded. */
const maxElements = 65_536;
/** Levels of producers that are tried, fewest first. */
const depths = [0, 1, 2, 3, 5, 8, 16, 64];
const maxCalls = 4;

/** The recorded calls around the failure; for one that kills the process, from a second run that dumps them in time. */
async function record(oracle: ProgramOracle, original: SourceTree): Promise<Recording | undefined> {
  const { outcome } = await oracle.examine(original, { ops: { maxElements } });
  if (outcome.kind === 'report') return outcome.report.recording;
  const sequence = Number(/ #(\d+)$/.exec(outcome.note)?.[1]);
  if (Number.isNaN(sequence)) return undefined;
  const again = await oracle.examine(original, { ops: { maxElements, dumpAt: sequence } });
  if (again.outcome.kind === 'report') return undefined;
  try {
    return JSON.parse(again.outcome.dump) as Recording;
  } catch {
    return undefined;
  }
}

function* snippets(recording: Recording): Generator<Snippet> {
  const seen = new Set<string>();
  const calls = failingCalls(recording).slice(0, maxCalls);
  for (const depth of depths) {
    for (const call of calls) {
      const snippet = snippetFrom(recording, call, depth);
      const key = JSON.stringify(snippet);
      if (snippet === undefined || seen.has(key)) continue;
      seen.add(key);
      yield snippet;
    }
  }
}

/**
 * A problem whose best is a program of few tfjs calls that fails as expected, or none.
 * @param isCompiled the program is compiled, so that nothing runs before something is read.
 */
export async function traceProgram(
  oracle: ProgramOracle,
  original: SourceTree,
  expected: Signature,
  createProblem: (initial: SourceTree) => Problem<SourceTree>,
  isCompiled: boolean,
): Promise<Problem<SourceTree> | undefined> {
  const recording = await record(oracle, original);
  if (recording === undefined || recording.ops.length === 0) return undefined;
  const read =
    expected.kind === 'nan' || (expected.kind === 'diverge' && expected.name === 'read') || isCompiled;
  for (const snippet of snippets(recording)) {
    const tree = printSnippet(snippet, read);
    if (tree === undefined) continue;
    const verdict = await oracle.judge(tree);
    if (!showsFailure(verdict, expected)) continue;
    const problem = createProblem(tree);
    await shrinkSnippet(problem, snippet, read);
    return problem;
  }
  return undefined;
}
