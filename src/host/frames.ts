/**
 * Raw V8 frames → frames of the program's own sources: source maps applied, frames of tfjs and of libraries told from
 * the user's, source text kept for the trace, facts about calls looked up in it.
 */
import { isAbsolute, relative } from 'node:path';
import { analyzeSource, type CallFacts, type SourceFacts } from '../capture/source-facts.ts';
import type { SourceRecord } from '../ir/record.ts';
import type { StackFrame } from '../ir/span.ts';
import { createSourceMapper, toPath, type CompiledTexts } from './source-maps.ts';

/** A frame as V8 reports it. Lines and columns count from 1. */
export interface RawFrame {
  /** Path or `file:` URL; empty for native code. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly function: string;
}

export interface FrameResolver {
  resolve(raw: RawFrame): StackFrame;
  /** Facts on the call that a resolved frame of the user's program makes; empty for other frames. */
  factsAt(frame: StackFrame): CallFacts;
}

const frameworkPath = /[\\/]node_modules[\\/]@tensorflow[\\/]/;
const libraryPath = /[\\/]node_modules[\\/]/;

function originOf(file: string, ownRoot: string, libraries: readonly string[]): StackFrame['origin'] {
  if (file === '' || file.startsWith('node:')) return 'runtime';
  if (frameworkPath.test(file) || file.startsWith(ownRoot)) return 'framework';
  const isLibrary = libraryPath.test(file) || libraries.some((library) => isInside(file, library));
  return isLibrary ? 'library' : 'user';
}

function isInside(file: string, folder: string): boolean {
  const way = relative(folder, file);
  return way === '' || (!way.startsWith('..') && !isAbsolute(way));
}

/**
 * @param ownRoot folder of fullgraph's own code; its frames count as framework.
 * @param libraries files and folders that count as libraries.
 * @param compiled texts of modules that a require hook may have made from their files.
 * @param onSource called once per user file with its text.
 */
export function createFrameResolver(options: {
  readonly ownRoot: string;
  readonly instrument: boolean;
  readonly libraries?: readonly string[];
  readonly compiled?: CompiledTexts;
  readonly onSource: (record: SourceRecord) => void;
}): FrameResolver {
  const mapper = createSourceMapper(options.compiled ?? new Map());
  const texts = new Map<string, readonly string[] | undefined>();
  const facts = new Map<string, SourceFacts | undefined>();

  function linesOf(file: string): readonly string[] | undefined {
    if (texts.has(file)) return texts.get(file);
    const text = mapper.text(file);
    if (text !== undefined) options.onSource({ kind: 'source', file, text });
    const lines = text?.split('\n');
    texts.set(file, lines);
    return lines;
  }

  return {
    resolve(raw) {
      // Told by the file that runs: the sources that a library's map names are not on this machine.
      const origin = originOf(toPath(raw.file), options.ownRoot, options.libraries ?? []);
      const place = origin === 'user' ? mapper.original(raw) : { ...raw, file: toPath(raw.file) };
      const code = origin === 'user' ? linesOf(place.file)?.[place.line - 1]?.trim() : undefined;
      return { ...place, function: raw.function, origin, ...(code === undefined ? {} : { code }) };
    },
    factsAt(frame) {
      if (!options.instrument || frame.origin !== 'user') return {};
      if (!facts.has(frame.file)) {
        const lines = linesOf(frame.file);
        facts.set(frame.file, lines === undefined ? undefined : analyzeSource(lines.join('\n'), frame.file));
      }
      return facts.get(frame.file)?.at(frame.line, frame.column) ?? {};
    },
  };
}
