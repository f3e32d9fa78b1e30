/**
 * Takes source text and file names out of a trace, so that it can leave the company: user files become `file1.py`,
 * library files keep the part behind `site-packages`, code lines, generated code and attachments go. Names of functions
 * and variables, shapes and values of guards stay: without them there would be no report.
 */
import type { ArtifactRecord, BreakRecord, GraphRecord, TraceRecord } from '../ir/record.ts';
import type { StackFrame } from '../ir/span.ts';
import { originOf } from './python-stack.ts';

const publicUrl = /^https?:\/\/(?:[\w-]+\.)*(?:pytorch\.org|github\.io|github\.com\/pytorch)\b/;
const sensitive =
  /https?:\/\/[^\s)'"]+|(?<![\w./\\-])(?:[A-Za-z]:[\\/]|~?\/|\.{1,2}\/|\\\\)[^\s"'`:,;()<>|*]+|(?<![\w./\\-])[\w.-]+(?:[\\/][\w.-]+)*\.(?:pyx?|ipynb|cpp|cuh?|cc|[mc]?[jt]sx?|log|gz)\b/g;

/** Names for files, the same for the same file. */
class FileNames {
  readonly #names = new Map<string, string>();

  name(file: string): string {
    if (file === '' || file.startsWith('<')) return file;
    const known = this.#names.get(file);
    if (known !== undefined) return known;
    const installed =
      /(?:site|dist)-packages[\\/](.*)$/.exec(file)?.[1] ?? /[\\/](torch[\\/]_\w+[\\/].*)$/.exec(file)?.[1];
    const standard = originOf(file) === 'runtime' ? /[^\\/]+$/.exec(file)?.[0] : undefined;
    const extension = /\.\w+$/.exec(file)?.[0] ?? '';
    const name = installed ?? standard ?? this.#fresh(extension);
    this.#names.set(file, name);
    return name;
  }

  #count = 0;

  #fresh(extension: string): string {
    this.#count++;
    return `file${this.#count}${extension}`;
  }
}

class Scrubber {
  readonly #files = new FileNames();
  /** Source lines seen in stacks: our own hints may quote them. */
  readonly #codes = new Set<string>();

  text(text: string): string {
    let clean = text.replace(/,? code: .*$/gm, '').replace(/\s{2,}# .*$/gm, '');
    for (const code of this.#codes) if (clean.includes(code)) clean = clean.replaceAll(code, 'the code');
    return clean.replace(sensitive, (found) => {
      if (/^https?:/.test(found)) return publicUrl.test(found) ? found : 'a link';
      return this.#files.name(found);
    });
  }

  frame({ code, ...frame }: StackFrame): StackFrame {
    if (code !== undefined && code.length > 3) this.#codes.add(code);
    return { ...frame, file: this.#files.name(frame.file) };
  }

  file(file: string): string {
    return this.#files.name(file);
  }

  #optional<Key extends string>(key: Key, value: string | undefined): Partial<Record<Key, string>> {
    return value === undefined ? {} : ({ [key]: this.text(value) } as Record<Key, string>);
  }

  break({ branch: _branch, ...record }: BreakRecord): BreakRecord {
    return {
      ...record,
      ...this.#optional('detail', record.detail),
      ...this.#optional('title', record.title),
      ...this.#optional('explanation', record.explanation),
      ...(record.hints === undefined ? {} : { hints: record.hints.map((hint) => this.text(hint)) }),
    };
  }

  graph(record: GraphRecord): GraphRecord {
    const lines = record.text.split('\n').filter((line) => !/^\s*#/.test(line));
    return { ...record, text: this.text(lines.join('\n')) };
  }

  /** Only our own table of inputs has nothing but names and shapes. */
  artifact(record: ArtifactRecord): ArtifactRecord | undefined {
    return record.name === 'inputs' ? record : undefined;
  }

  record(record: TraceRecord): TraceRecord | undefined {
    switch (record.kind) {
      case 'header':
        return { ...record, program: 'trace', arguments: [], cwd: '' };
      case 'source':
      case 'minify-best':
      case 'minify-slip':
        return undefined;
      case 'coverage':
        return { ...record, file: this.file(record.file) };
      case 'stack':
        return { ...record, frames: record.frames.map((frame) => this.frame(frame)) };
      case 'break':
        return this.break(record);
      case 'graph':
        return this.graph(record);
      case 'artifact':
        return this.artifact(record);
      case 'note':
        return record.code === 'torch-link' ? undefined : { ...record, text: this.text(record.text) };
      case 'guard-failure':
        return {
          ...record,
          differences: record.differences.map((item) => ({
            ...item,
            what: this.text(item.what),
            expected: this.text(item.expected),
            actual: this.text(item.actual),
          })),
          ...(record.hints === undefined ? {} : { hints: record.hints.map((hint) => this.text(hint)) }),
        };
      case 'frame': {
        const details = Object.entries(record.details).map(
          ([name, value]) => [name, typeof value === 'string' ? this.text(value) : value] as const,
        );
        return {
          ...record,
          ...this.#optional('reason', record.reason),
          details: Object.fromEntries(details),
        };
      }
      case 'fallback':
        return { ...record, reason: this.text(record.reason) };
      default:
        return record;
    }
  }
}

/** The same records without source text and file names, in order. */
export function* scrubRecords(records: Iterable<TraceRecord>): Generator<TraceRecord> {
  const scrubber = new Scrubber();
  for (const record of records) {
    const clean = scrubber.record(record);
    if (clean !== undefined) yield clean;
  }
}
