/**
 * Mode `max-autotune`: each graph is compiled by several backends and timed on the values of its first run; the fastest
 * executable stays. After Inductor's autotuning, but over settings of the runtime, as its kernels choose their own forms.
 */
import type { Graph } from '../../ir/graph.ts';
import type { HostArray } from '../../ir/tensor-type.ts';
import type { Backend, Compiled } from '../../ir/executable.ts';

/** A backend with the words that name its settings in reports. */
export interface Candidate {
  readonly settings: string;
  readonly backend: Backend;
}

/** Timed runs of each candidate, behind one that warms up. */
const rounds = 4;

function shortestMs(compiled: Compiled, leaves: readonly HostArray[], now: () => number): number {
  compiled.executable.run(leaves);
  let shortest = Infinity;
  for (let round = 0; round < rounds; round++) {
    const started = now();
    compiled.executable.run(leaves);
    shortest = Math.min(shortest, now() - started);
  }
  return shortest;
}

/**
 * A backend that picks among candidates, graph by graph. Runs are pure, so that timing them changes nothing.
 * @param candidates at least one; on a tie the earlier wins.
 */
export function createAutotuneBackend(candidates: readonly Candidate[], now: () => number): Backend {
  const [first] = candidates as readonly [Candidate, ...Candidate[]];
  return {
    ...first.backend,
    compile(graph: Graph, leaves: readonly HostArray[]): Compiled {
      let best: { compiled: Compiled; ms: number; settings: string } | undefined;
      for (const { backend, settings } of candidates) {
        const compiled = backend.compile(graph, leaves);
        const ms = shortestMs(compiled, leaves, now);
        if (best !== undefined && best.ms <= ms) {
          compiled.executable.dispose();
          continue;
        }
        best?.compiled.executable.dispose();
        best = { compiled, ms, settings };
      }
      const { compiled, settings } = best!;
      const phases = [...compiled.report.phases, { name: `autotune: ${settings}`, durationMs: 0 }];
      return { ...compiled, report: { ...compiled.report, phases } };
    },
    dispose() {
      for (const { backend } of candidates) backend.dispose();
    },
  };
}
