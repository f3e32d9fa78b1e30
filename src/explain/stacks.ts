/**
 * Stacks in a report: frames with display paths, the user's place in a stack, and a folded form in which runs of
 * framework frames become one line.
 */
import type { StackRecord } from '../ir/record.ts';
import { userFrame, type StackFrame } from '../ir/span.ts';
import { commonFolder, displayPath, folderOf } from './paths.ts';
import type { Site } from './report.ts';

/** Interned stacks of one trace. Ids that the trace lacks are counted, not fatal. */
export interface StackTable {
  add(record: StackRecord): void;
  /** Frames with display paths, innermost first. */
  frames(id: number | undefined): readonly StackFrame[] | undefined;
  /** The user's place in the stack. */
  site(id: number | undefined): Site | undefined;
  /** Folder that holds all of the user's files: stands in for a working directory that the trace does not tell. */
  userFolder(): string;
  /** How many references pointed to stacks that are not there. */
  readonly dangling: number;
}

/** @param cwd of the program; asked late, because in a damaged trace the header may come after the first stack. */
export function createStackTable(cwd: () => string): StackTable {
  let folder: string | undefined;
  const records = new Map<number, StackRecord>();
  const resolved = new Map<number, { frames: readonly StackFrame[]; site: Site | undefined }>();
  const missing = new Set<number>();
  const resolve = (id: number | undefined): ReturnType<typeof resolved.get> => {
    if (id === undefined) return undefined;
    const known = resolved.get(id);
    if (known !== undefined) return known;
    const record = records.get(id);
    if (record === undefined) {
      missing.add(id);
      return undefined;
    }
    const frames = record.frames.map((frame) => ({ ...frame, file: displayPath(cwd(), frame.file) }));
    const entry = { frames, site: siteOf(frames) };
    resolved.set(id, entry);
    return entry;
  };
  return {
    add(record) {
      records.set(record.id, record);
      resolved.delete(record.id);
      for (const frame of record.frames) {
        if (frame.origin !== 'user' || folder === '') continue;
        const own = folderOf(frame.file);
        if (own === '') continue;
        const shared = folder === undefined ? own : commonFolder(folder, own);
        if (shared !== folder) resolved.clear();
        folder = shared;
      }
      missing.delete(record.id);
    },
    userFolder: () => folder ?? '',
    frames: (id) => resolve(id)?.frames,
    site: (id) => resolve(id)?.site,
    get dangling() {
      return missing.size;
    },
  };
}

/** Innermost user frame as a place. */
export function siteOf(frames: readonly StackFrame[]): Site | undefined {
  const frame = userFrame(frames);
  if (frame === undefined) return undefined;
  const { file, line, column, code } = frame;
  return { file, line, column, function: frame.function, ...(code === undefined ? {} : { code }) };
}

/** A frame to show, or a run of frames that is folded. */
export type FoldedFrame =
  | { readonly kind: 'frame'; readonly frame: StackFrame }
  | {
      readonly kind: 'folded';
      readonly origin: StackFrame['origin'];
      readonly frames: readonly StackFrame[];
    };

/** User and library frames stay; runs of framework and runtime frames fold. Innermost first. */
export function foldStack(frames: readonly StackFrame[]): FoldedFrame[] {
  const folded: FoldedFrame[] = [];
  for (const frame of frames) {
    if (frame.origin === 'user' || frame.origin === 'library') {
      folded.push({ kind: 'frame', frame });
      continue;
    }
    const last = folded.at(-1);
    if (last?.kind === 'folded') {
      folded[folded.length - 1] = { ...last, frames: [...last.frames, frame] };
    } else {
      folded.push({ kind: 'folded', origin: frame.origin, frames: [frame] });
    }
  }
  return folded;
}

/** `train.ts:12`, or `train.ts:12:7` with a column. Stable text for keys and annotations. */
export function formatSite(site: Site, withColumn = false): string {
  return `${site.file}:${site.line}${withColumn && site.column > 0 ? `:${site.column}` : ''}`;
}
