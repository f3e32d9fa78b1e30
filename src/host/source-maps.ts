/**
 * Positions in the code that runs → positions in the sources it was made from. Node's own table has maps only where
 * something switched them on, which changes the program's own stacks, so maps are also read here: from the text that a
 * require hook compiled, or from the file, inline or beside it.
 */
import { existsSync, readFileSync } from 'node:fs';
import { findSourceMap, SourceMap, type SourceMapPayload } from 'node:module';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { wrapCompile } from './wrap-compile.ts';

/** Lines and columns count from 1. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Text of CommonJS modules outside of node_modules as Node got it, which require hooks may have made from the file. */
export type CompiledTexts = ReadonlyMap<string, string>;

/** Starts keeping what require hooks hand to Node. */
export function keepCompiledTexts(): CompiledTexts {
  const texts = new Map<string, string>();
  wrapCompile(
    (original) =>
      function (text, file, ...rest) {
        if (!/[\\/]node_modules[\\/]/.test(file)) texts.set(file, text);
        return original.call(this, text, file, ...rest);
      },
  );
  return texts;
}

/** `file:` URLs, with or without a query, as paths. */
export function toPath(file: string): string {
  return file.startsWith('file:') ? fileURLToPath(file.replace(/\?.*$/, '')) : file;
}

/**
 * The path of a source as a map names it. Bundlers name theirs by URLs of their own, from the folder that they were started in:
 * `webpack://app/./src/train.ts`.
 */
function sourcePath(source: string, base: URL): string {
  const own = /^(?:webpack|rspack|turbopack|ng):\/\/[^/]*\/(?:\.\/)?([^?]*)/.exec(source)?.[1];
  if (own === undefined) return toPath(new URL(source, base).href);
  const path = resolve(own);
  return existsSync(path) ? path : source;
}

interface LoadedMap {
  readonly map: SourceMap;
  /** What relative names of sources are relative to. */
  readonly base: URL;
}

/** The map that a text names in its last `sourceMappingURL`. */
function mapOf(file: string, text: string): LoadedMap | undefined {
  const start = text.lastIndexOf('//# sourceMappingURL=');
  if (start < 0) return undefined;
  const [url = ''] = text.slice(start + '//# sourceMappingURL='.length).split(/\s/, 1);
  try {
    const base = url.startsWith('data:') ? pathToFileURL(file) : new URL(url, pathToFileURL(file));
    const json = url.startsWith('data:') ? textOfDataUrl(url) : readFileSync(base, 'utf8');
    return { map: new SourceMap(JSON.parse(json) as SourceMapPayload), base };
  } catch {
    // A map that is missing or damaged is as good as none: places are those of the code that runs.
    return undefined;
  }
}

function textOfDataUrl(url: string): string {
  const comma = url.indexOf(',');
  const data = url.slice(comma + 1);
  return url.slice(0, comma).endsWith(';base64')
    ? Buffer.from(data, 'base64').toString('utf8')
    : decodeURIComponent(data);
}

export interface SourceMapper {
  /** Where in the sources that is; the same place when no map says more. */
  original(place: Position): Position;
  /** The text whose lines places in `file` count, absent when there is none. */
  text(file: string): string | undefined;
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // A generated module has no file.
    return undefined;
  }
}

/** @param compiled see {@link keepCompiledTexts}. */
export function createSourceMapper(compiled: CompiledTexts): SourceMapper {
  const maps = new Map<string, LoadedMap | undefined>();
  /** Texts that came with maps: what was compiled, whether it is on this machine or not. */
  const embedded = new Map<string, string>();

  /** The code that runs. */
  function codeOf(file: string): string | undefined {
    return compiled.get(file) ?? readText(file);
  }

  function loadedMap(file: string): LoadedMap | undefined {
    if (!maps.has(file)) {
      const code = codeOf(file);
      maps.set(file, code === undefined ? undefined : mapOf(file, code));
    }
    return maps.get(file);
  }

  return {
    original(place) {
      const file = toPath(place.file);
      const known = findSourceMap(place.file) ?? findSourceMap(file);
      const loaded = known === undefined ? loadedMap(file) : { map: known, base: pathToFileURL(file) };
      const entry = loaded?.map.findEntry(place.line - 1, place.column - 1);
      if (loaded === undefined || entry === undefined || !('originalSource' in entry))
        return { ...place, file };
      const { originalSource, originalLine, originalColumn } = entry;
      const source = sourcePath(originalSource, loaded.base);
      if (!embedded.has(source)) {
        const { sources, sourcesContent } = loaded.map.payload as Partial<SourceMapPayload>;
        const text = sourcesContent?.[sources?.indexOf(originalSource) ?? -1];
        if (typeof text === 'string') embedded.set(source, text);
      }
      return { file: source, line: originalLine + 1, column: originalColumn + 1 };
    },
    text: (file) => embedded.get(file) ?? (loadedMap(file) === undefined ? codeOf(file) : readText(file)),
  };
}
