/**
 * Keeps candidates well-scoped at no oracle call: taking away a declaration while something still uses it nearly always ends
 * in a ReferenceError, a different failure. Repair puts such declarations back; the check drops what slipped through.
 */
import { forEachChild, isNode, isSynthetic, parentsOf, type Node } from './ast.ts';
import type { Change, Edit } from './edit.ts';
import { scopesOf } from './scope.ts';
import type { SourceFile, SourceTree } from './source-tree.ts';

const freeNames = new WeakMap<SourceFile, ReadonlySet<string>>();

function freeNamesOf(file: SourceFile): ReadonlySet<string> {
  const known = freeNames.get(file);
  if (known) return known;
  const names = new Set(scopesOf(file.program).free.keys());
  freeNames.set(file, names);
  return names;
}

/**
 * Whether the candidate reads no undeclared name that neither the base reads undeclared nor the runtime declares. In sloppy code, assigning to a
 * name declares it.
 */
export function isWellScoped(base: SourceTree, candidate: SourceTree): boolean {
  const allowed = new Map(base.files.map((file) => [file.path, freeNamesOf(file)]));
  return candidate.files.every((file) => {
    const before = allowed.get(file.path);
    return (
      before === undefined ||
      [...freeNamesOf(file)].every((name) => before.has(name) || name in globalThis || isAssigned(file, name))
    );
  });
}

function isAssigned(file: SourceFile, name: string): boolean {
  return file.format === 'commonjs' && scopesOf(file.program).assigned.has(name);
}

interface Range {
  readonly file: SourceFile;
  readonly start: number;
  readonly end: number;
}

/** Original nodes that stand in a replacement. */
export function keptNodes(to: Change['to']): Node[] {
  const nodes = to === undefined ? [] : isNode(to) ? [to] : to;
  return nodes.flatMap((node) => {
    if (!isSynthetic(node)) return [node];
    const kept: Node[] = [];
    forEachChild(node, (child) => kept.push(...keptNodes(child)));
    return kept;
  });
}

/** A declaration that an edit takes away, with its uses elsewhere. */
interface Declared {
  readonly file: SourceFile;
  readonly references: readonly Node[];
}

/**
 * A repair for edits that take declarations away: gives the edits of a chunk that leave no use of a declaration which
 * the made edits and the chunk together remove.
 */
export function scopeRepair(
  base: SourceTree,
): (made: readonly Edit[], chunk: readonly Edit[]) => readonly Edit[] {
  const fileOf = (node: Node): SourceFile | undefined =>
    base.files.find((file) => parentsOf(file.program).has(node));
  const declaredIn = new Map<Edit, readonly Declared[]>();
  const rangesOf = new Map<Edit, readonly Range[]>();

  const dropped = (edit: Edit): readonly Range[] => {
    const known = rangesOf.get(edit);
    if (known) return known;
    const ranges = edit.changes.flatMap(({ target, to }) => {
      const file = fileOf(target);
      return file === undefined
        ? []
        : subtract({ file, start: target.start, end: target.end }, keptNodes(to));
    });
    rangesOf.set(edit, ranges);
    return ranges;
  };

  const declared = (edit: Edit): readonly Declared[] => {
    const known = declaredIn.get(edit);
    if (known) return known;
    const ranges = dropped(edit);
    const found = [...new Set(ranges.map((range) => range.file))].flatMap((file) =>
      scopesOf(file.program)
        .bindings.filter((binding) => binding.declarations.every((each) => isInside(each, ranges, file)))
        .map((binding) => ({
          file,
          references: binding.references
            .map((reference) => reference.identifier)
            .filter((identifier) => !isInside(identifier, ranges, file)),
        })),
    );
    const used = found.filter((each) => each.references.length > 0);
    declaredIn.set(edit, used);
    return used;
  };

  return (made, chunk) => {
    let kept = [...chunk];
    for (;;) {
      const ranges = [...made, ...kept].flatMap(dropped);
      const gone = new Map(
        base.files.map((file) => [file, new Intervals(ranges.filter((range) => range.file === file))]),
      );
      const next = kept.filter((edit) =>
        declared(edit).every(({ file, references }) =>
          references.every((reference) => gone.get(file)!.holds(reference)),
        ),
      );
      if (next.length === kept.length) return kept;
      kept = next;
    }
  };
}

function isInside(node: Node, ranges: readonly Range[], file: SourceFile): boolean {
  return ranges.some((range) => range.file === file && node.start >= range.start && node.end <= range.end);
}

function subtract(range: Range, kept: readonly Node[]): Range[] {
  const parts: Range[] = [];
  let { start } = range;
  for (const node of [...kept].sort((left, right) => left.start - right.start)) {
    if (node.start < range.start || node.end > range.end || node.start < start) continue;
    if (node.start > start) parts.push({ ...range, start, end: node.start });
    start = node.end;
  }
  if (start < range.end) parts.push({ ...range, start });
  return parts;
}

/** Ranges of one file, merged for fast lookups. */
class Intervals {
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  constructor(ranges: readonly Range[]) {
    const sorted = ranges.toSorted((left, right) => left.start - right.start);
    for (const { start, end } of sorted) {
      const last = this.#ends.length - 1;
      if (last >= 0 && start <= this.#ends[last]!) this.#ends[last] = Math.max(this.#ends[last]!, end);
      else {
        this.#starts.push(start);
        this.#ends.push(end);
      }
    }
  }

  holds(node: Node): boolean {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#starts[middle]! <= node.start) low = middle + 1;
      else high = middle;
    }
    return low > 0 && node.end <= this.#ends[low - 1]!;
  }
}
