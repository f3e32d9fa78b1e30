/**
 * onnxruntime's profile of a session → time per node of the graph. A profile is a Chrome trace that is written when
 * profiling ends; it grows with each run, so that only the first runs are taken.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Milliseconds per run, by node of the graph; what onnxruntime added itself is under {@link addedNodes}. */
export interface NodeTimes {
  readonly runs: number;
  readonly nodes: Readonly<Record<string, number>>;
}

/** Conversions of layout and copies, that no node of the graph asked for. */
export const addedNodes = '(onnxruntime)';

/** Runs that are profiled, after those that only warm up. */
const profiledRuns = 32;
const warmupRuns = 2;

interface ProfileEvent {
  readonly cat?: string;
  readonly name?: string;
  /** Microseconds. */
  readonly dur?: number;
}

/** `relu_1/Relu_0/sunk_nchwc_kernel_time` → `relu_1`: see `LoweredNode.name`. */
function nodeOf(name: string): string {
  const slash = name.indexOf('/');
  return slash < 0 ? addedNodes : name.slice(0, slash);
}

/** @param text the profile, JSON. Runs end with an event of their own. */
export function readProfile(text: string): NodeTimes {
  const events = JSON.parse(text) as readonly ProfileEvent[];
  const isRun = (event: ProfileEvent): boolean => event.cat === 'Session' && event.name === 'model_run';
  const allRuns = events.filter(isRun).length;
  const skipped = Math.min(warmupRuns, allRuns - 1);
  const nodes: Record<string, number> = {};
  let run = 0;
  for (const event of events) {
    if (isRun(event)) run++;
    const isKernel = event.cat === 'Node' && event.name?.endsWith('_kernel_time') === true;
    if (!isKernel || run < skipped) continue;
    const node = nodeOf(event.name);
    nodes[node] = (nodes[node] ?? 0) + (event.dur ?? 0) / 1000;
  }
  const runs = allRuns - skipped;
  for (const node of Object.keys(nodes)) nodes[node]! /= Math.max(1, runs);
  return { runs, nodes };
}

/** What is profiled, and where its profile goes. */
export interface Profiler {
  /** For the session's options. */
  readonly prefix: string;
  /** Call after each run. @param end writes the profile. */
  ran(end: () => void): void;
  /** Ends profiling if it still runs. */
  times(end: () => void): NodeTimes | undefined;
  /** The session could not be made. */
  discard(): void;
}

export function createProfiler(): Profiler {
  const folder = mkdtempSync(join(tmpdir(), 'fullgraph-profile-'));
  let runs = 0;
  let isEnded = false;
  let found: NodeTimes | undefined;
  const discard = (): void => rmSync(folder, { recursive: true, force: true });
  const finish = (end: () => void): void => {
    isEnded = true;
    try {
      end();
      const [file] = readdirSync(folder);
      if (file !== undefined && runs > 0) found = readProfile(readFileSync(join(folder, file), 'utf8'));
    } finally {
      discard();
    }
  };
  return {
    discard,
    prefix: join(folder, 'run'),
    ran(end) {
      if (isEnded) return;
      runs++;
      if (runs >= warmupRuns + profiledRuns) finish(end);
    },
    times(end) {
      if (!isEnded) finish(end);
      return found;
    },
  };
}

/** The times of a graph that several sessions compute. */
export function joinTimes(parts: readonly NodeTimes[]): NodeTimes | undefined {
  if (parts.length === 0) return undefined;
  const nodes: Record<string, number> = {};
  for (const part of parts) {
    for (const [node, ms] of Object.entries(part.nodes)) nodes[node] = (nodes[node] ?? 0) + ms;
  }
  return { runs: Math.min(...parts.map(({ runs }) => runs)), nodes };
}
