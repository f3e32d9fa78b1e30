/**
 * Ranks of one job compared: all should compile the same functions in the same order, break at the same lines and run
 * the same collectives. What differs makes ranks wait for each other, or hang.
 */
import type { NoteRecord } from '../ir/record.ts';
import { formatCompileId } from './compile-id.ts';
import type { Compilation, TorchProcess } from './model.ts';
import { formatSite, isFrame } from './outcome.ts';

interface RankedProcess extends TorchProcess {
  readonly rank: number;
}

function note(code: string, text: string): NoteRecord {
  return { kind: 'note', severity: 'warning', code, text };
}

function listRanks(ranks: readonly number[]): string {
  const shown = ranks.slice(0, 8).join(', ');
  return `${ranks.length === 1 ? 'rank' : 'ranks'} ${shown}${ranks.length > 8 ? ', ...' : ''}`;
}

/** Ranks below the highest one that have no log. */
function missingRanks(processes: readonly RankedProcess[]): NoteRecord[] {
  const present = new Set(processes.map((process) => process.rank));
  const highest = Math.max(...present);
  const missing = Array.from({ length: highest }, (_, rank) => rank).filter((rank) => !present.has(rank));
  return missing.length === 0
    ? []
    : [
        note(
          'torch-missing-rank',
          `There is no log of ${listRanks(missing)}; the highest rank seen is ${highest}.`,
        ),
      ];
}

/** One fact per rank; ranks that agree are grouped, the larger groups first. */
function groupRanks(
  processes: readonly RankedProcess[],
  factOf: (process: RankedProcess) => string,
): { readonly fact: string; readonly ranks: readonly number[] }[] {
  const groups = new Map<string, number[]>();
  for (const process of processes) {
    const fact = factOf(process);
    const ranks = groups.get(fact) ?? [];
    ranks.push(process.rank);
    groups.set(fact, ranks);
  }
  return [...groups]
    .map(([fact, ranks]) => ({ fact, ranks }))
    .sort((left, right) => right.ranks.length - left.ranks.length);
}

function setDifference(left: readonly string[], right: readonly string[]): string[] {
  const known = new Set(right);
  return left.filter((item) => !known.has(item));
}

function differenceText(majority: readonly string[], minority: readonly string[]): string {
  const lacks = setDifference(majority, minority);
  const adds = setDifference(minority, majority);
  const parts = [
    lacks.length > 0 ? `without ${lacks.slice(0, 5).join(', ')}${lacks.length > 5 ? ', ...' : ''}` : '',
    adds.length > 0 ? `with ${adds.slice(0, 5).join(', ')}${adds.length > 5 ? ', ...' : ''} besides` : '',
  ].filter((part) => part !== '');
  return parts.length > 0 ? parts.join(' and ') : 'in another order or number';
}

function compareFacts(
  processes: readonly RankedProcess[],
  code: string,
  what: string,
  factsOf: (process: RankedProcess) => readonly string[],
): NoteRecord[] {
  const groups = groupRanks(processes, (process) => JSON.stringify(factsOf(process)));
  const [majority, ...rest] = groups;
  if (majority === undefined) return [];
  const common = JSON.parse(majority.fact) as string[];
  return rest.map(({ fact, ranks }) => {
    const own = JSON.parse(fact) as string[];
    const subject = listRanks(ranks);
    return note(
      code,
      `${subject[0]!.toUpperCase()}${subject.slice(1)} differ${ranks.length === 1 ? 's' : ''} from ${listRanks(majority.ranks)} in ${what}: ${differenceText(common, own)}.`,
    );
  });
}

function frames(process: TorchProcess): Compilation[] {
  return process.compilations.filter(isFrame);
}

function cacheOutcomes(process: TorchProcess): string[] {
  return frames(process).flatMap((compile) =>
    [...compile.caches.keys()].map((event) => `${formatCompileId(compile.id)} ${event}`),
  );
}

/** What differs between ranks, as notes; empty for fewer than two ranks. */
export function compareRanks(processes: readonly TorchProcess[]): NoteRecord[] {
  const ranked = processes.filter((process): process is RankedProcess => process.rank !== undefined);
  if (ranked.length === 0) return [];
  const missing = missingRanks(ranked);
  if (ranked.length < 2) return missing;
  return [
    ...missing,
    ...compareFacts(ranked, 'torch-rank-compiles', 'what was compiled', (process) =>
      frames(process).map((compile) => `[${compile.key}]`),
    ),
    ...compareFacts(ranked, 'torch-rank-breaks', 'graph breaks', (process) =>
      frames(process)
        .flatMap((compile) => compile.breaks)
        .map((event) => `${event.type} at ${formatSite(event.site)}`)
        .sort(),
    ),
    ...compareFacts(ranked, 'torch-rank-collectives', 'the order of collectives', (process) =>
      frames(process).flatMap((compile) =>
        (compile.collectives ?? []).map(
          (name, index) => `${formatCompileId(compile.id)} #${index + 1} ${name}`,
        ),
      ),
    ),
    ...compareFacts(ranked, 'torch-rank-caches', 'cache hits', cacheOutcomes),
  ];
}
