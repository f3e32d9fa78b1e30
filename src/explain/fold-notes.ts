/** Notes merged by what they say and where; compile phases summed over all compiles. */
import type { CompileRecord, NoteRecord } from '../ir/record.ts';
import type { NoteReport, PhaseReport } from './report.ts';
import type { StackTable } from './stacks.ts';

const severityOrder: readonly NoteRecord['severity'][] = ['error', 'warning', 'info'];

/** Errors first; within a severity in order of first appearance. */
export function mergeNotes(notes: readonly NoteRecord[], stacks: StackTable): NoteReport[] {
  const merged = new Map<string, NoteReport>();
  for (const note of notes) {
    const site = stacks.site(note.stack);
    const key = JSON.stringify([note.severity, note.code, note.text, site?.file, site?.line]);
    const known = merged.get(key);
    merged.set(key, {
      severity: note.severity,
      code: note.code,
      text: note.text,
      ...(site === undefined ? {} : { site }),
      count: (known?.count ?? 0) + (note.count ?? 1),
    });
  }
  return [...merged.values()].sort(
    (left, right) => severityOrder.indexOf(left.severity) - severityOrder.indexOf(right.severity),
  );
}

/** Longest first. */
export function sumPhases(compiles: readonly CompileRecord[]): PhaseReport[] {
  const phases = new Map<string, { name: string; count: number; durationMs: number }>();
  for (const { name, durationMs } of compiles.flatMap((compile) => compile.phases)) {
    let phase = phases.get(name);
    if (phase === undefined) phases.set(name, (phase = { name, count: 0, durationMs: 0 }));
    phase.count += 1;
    phase.durationMs += durationMs;
  }
  return [...phases.values()].sort((left, right) => right.durationMs - left.durationMs);
}
