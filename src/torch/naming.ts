/** Names of a trace's processes, compilations and functions, unique over all ranks, resets and files. */
import { formatAttempt, formatCompileId } from './compile-id.ts';
import type { Compilation, TorchProcess, TorchTrace } from './model.ts';
import { resumedFrom } from './python-stack.ts';

/** In front of every id of a process; empty when there is only one. */
export function processPrefixes(trace: TorchTrace): ReadonlyMap<TorchProcess, string> {
  const many = trace.processes.length > 1;
  const ranks = trace.processes.map((process) => process.rank);
  return new Map(
    trace.processes.map((process, index) => {
      const isUnique = ranks.filter((rank) => rank === process.rank).length === 1;
      const name = process.rank !== undefined && isUnique ? `r${process.rank}` : `p${index + 1}`;
      return [process, many ? `${name}:` : ''];
    }),
  );
}

function occurrenceSuffix(compile: Compilation): string {
  return compile.occurrence === 0 ? '' : `#${compile.occurrence + 1}`;
}

/** `r1:0/1#2`: graphs, compiles, owners of texts. */
export function graphId(prefix: string, compile: Compilation): string {
  return `${prefix}${formatCompileId(compile.id)}${occurrenceSuffix(compile)}`;
}

/** `r1:[0/1_2]#2`: the compile id as torch shows it, with its last attempt. */
export function frameId(prefix: string, compile: Compilation): string {
  return `${prefix}${formatAttempt(compile.id, compile.attempts)}${occurrenceSuffix(compile)}`;
}

/** `forward`, or `forward (after line 24)` for what follows a break in it. */
export function readableFunction(name: string): string {
  const resumed = resumedFrom(name);
  return resumed === undefined ? name : `${resumed.name} (after line ${resumed.line})`;
}

/** Dynamo's name of the function that was compiled; of its first compilation where this one never got that far. */
export function functionName(compile: Compilation, first: Compilation | undefined): string {
  const own = compile.metrics?.functionName ?? compile.frames[0]?.function;
  return own ?? first?.metrics?.functionName ?? first?.frames[0]?.function ?? 'unknown function';
}
