/**
 * Joins what torch logs apart: `restart_reasons` of a finished compilation with the break that caused each restart,
 * and, for old torch versions that log restarts only, makes break events of them. tlparse leaves the user line of a
 * restart open; the joined break has it.
 */
import { formatCodeId } from './compile-id.ts';
import { parseReason } from './break-text.ts';
import type { BreakEvent, Compilation, Restart } from './model.ts';
import { resumedFrom } from './python-stack.ts';

/** Restarts that Dynamo makes for itself; no line of the program is to blame. */
const ownRestart =
  /^(?:$|failed$|Unspecialize|TensorifyScalar|CompileCollective|AutogradGrad|automatic dynamic|SpeculationLog|Restarted analysis)/i;

function isSameReason(candidate: BreakEvent, reason: BreakEvent['type'], id: string | undefined): boolean {
  return candidate.type === reason && (candidate.id === undefined || id === undefined || candidate.id === id);
}

/** The restarts of one compilation, each with its break: by reason first, by attempt where reasons are alike. */
export function joinRestarts(compile: Compilation): Restart[] {
  const open = [...compile.breaks];
  return (compile.metrics?.restartReasons ?? []).map((reason, attempt): Restart => {
    const parsed = parseReason(reason);
    const alike = open.filter((candidate) => isSameReason(candidate, parsed.type, parsed.id));
    const cause = alike.find((candidate) => candidate.attempt === attempt) ?? alike[0];
    if (cause === undefined) return { attempt, reason };
    open.splice(open.indexOf(cause), 1);
    return { attempt: cause.attempt, reason, cause };
  });
}

/** Where the function of a compilation was left: its resume function is compiled next and has the line in its name. */
function siteFromResume(compile: Compilation, later: readonly Compilation[]): BreakEvent['site'] {
  const own = compile.metrics?.functionName ?? compile.frames[0]?.function;
  const file = compile.metrics?.file ?? compile.frames[0]?.file;
  if (own === undefined || file === undefined) return undefined;
  const base = resumedFrom(own)?.name ?? own;
  for (const candidate of later) {
    const name = candidate.metrics?.functionName ?? candidate.frames[0]?.function;
    const resumed = name === undefined ? undefined : resumedFrom(name);
    const isSameFile = (candidate.metrics?.file ?? candidate.frames[0]?.file) === file;
    if (resumed?.name === base && isSameFile) return { file, line: resumed.line };
  }
  return undefined;
}

/**
 * Break events for restarts without one. The line comes from the resume function that was compiled next, where there
 * is one, so it names the line in the compiled function, not in a function that was inlined into it.
 */
export function breaksFromRestarts(compilations: readonly Compilation[]): void {
  compilations.forEach((compile, index) => {
    compile.restarts = compile.restarts.map((restart) => {
      if (restart.cause !== undefined || ownRestart.test(restart.reason.trim())) return restart;
      const parsed = parseReason(restart.reason.replace(/^'([^]*)'$/, '$1'));
      const code = formatCodeId(compile.id);
      const later = compilations.slice(index + 1).filter((other) => formatCodeId(other.id) !== code);
      const site = parsed.site ?? siteFromResume(compile, later);
      const event = { ...parsed, site, attempt: restart.attempt, timeMs: compile.timeMs };
      const cause: BreakEvent = { ...event, evidence: 'restart' };
      compile.breaks.push(cause);
      return { ...restart, cause };
    });
  });
}
