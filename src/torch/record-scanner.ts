/**
 * Bytes of a TORCH_TRACE log in, records out: one glog-style header line with a JSON object, then its payload lines,
 * each behind one TAB. The grammar is tlparse's (header searched, not anchored; empty lines dropped everywhere; one
 * CR stripped), so counts agree with it. Works on chunks of any size and keeps one record at a time in memory.
 */
import { hash } from 'node:crypto';
import { asFields, parsePythonJson, type Fields } from './json.ts';

const tab = 0x09;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** Start of a header: level, month and day, time, and the first digit of the process id. */
const stampPattern = /([VIWEC])(\d{4} \d\d:\d\d:\d\d.\d{6}) (?=\d)/g;
/** Rest of a header up to its JSON: process id, path, line. Sticky, linear. */
const restPattern = /(\d+)(?!\d)([^:]*):(\d+)\] (?=.)/y;

/** Where a payload's raw lines lie in the (decompressed) file. */
export interface Region {
  readonly offset: number;
  readonly lengthBytes: number;
  /** Bytes in front of each line's text: a log collector's prefix and the TAB. */
  readonly indentBytes: number;
}

/** A payload, readable only while its record is being handed over. */
export interface Payload {
  readonly sizeBytes: number;
  /** Whether its md5 is the header's; `undefined` where md5 is not available. */
  readonly isIntact: boolean | undefined;
  readonly region: Region;
  readonly text: () => string;
}

/** One record of the log. */
export interface RawRecord {
  /** `MMDD hh:mm:ss.uuuuuu`, local time of the process, no year. */
  readonly stamp: string;
  readonly processId: string;
  readonly json: Fields;
  /** Length of the header's JSON text: a measure of how much memory its fields hold. */
  readonly jsonLength: number;
  readonly payload?: Payload;
}

/** What the scanner saw and what it had to drop or doubt. */
export interface ScanCounts {
  bytes: number;
  records: number;
  payloads: number;
  /** Lines that are no header and belong to no payload. */
  badHeaders: number;
  /** Headers whose JSON does not parse. */
  badJson: number;
  /** Payload text that disagrees with its md5; the record is kept. */
  md5Failures: number;
  /** Payloads that could not be checked, because this Node has no md5. */
  md5Unchecked: number;
  /** Lines and payloads longer than {@link maxBytes}; cut or skipped. */
  oversized: number;
  /** The log ends inside a record. */
  isTruncated: boolean;
}

/** No real record comes near, and memory must stay bounded. */
const maxBytes = 128 * 1024 * 1024;

function md5(bytes: Uint8Array): string | undefined {
  try {
    return hash('md5', bytes, 'hex');
  } catch {
    return undefined;
  }
}

interface OpenRecord {
  readonly stamp: string;
  readonly processId: string;
  readonly json: Fields;
  readonly jsonLength: number;
  readonly digest: string | undefined;
  /** Bytes in front of the level letter: the width of a log collector's prefix. */
  readonly prefixLength: number;
  readonly regionStart: number;
  regionEnd: number;
  lines: number;
  isOversized: boolean;
}

/** A growing byte buffer that is reused from record to record. */
class Scratch {
  #bytes = Buffer.allocUnsafe(1 << 16);
  length = 0;

  append(source: Buffer, start: number, end: number): void {
    const needed = this.length + end - start;
    if (needed > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
      this.#bytes.copy(grown, 0, 0, this.length);
      this.#bytes = grown;
    }
    source.copy(this.#bytes, this.length, start, end);
    this.length = needed;
  }

  appendByte(byte: number): void {
    if (this.length === this.#bytes.length) this.append(Buffer.of(byte), 0, 1);
    else this.#bytes[this.length++] = byte;
  }

  view(): Buffer {
    return this.#bytes.subarray(0, this.length);
  }

  /** Empties it, and lets go of memory that one huge record needed. */
  clear(): void {
    this.length = 0;
    if (this.#bytes.length > 1 << 24) this.#bytes = Buffer.allocUnsafe(1 << 16);
  }
}

/**
 * Push parser. Feed it chunks with `push`, then call `end`; each record is handed to `onRecord` once complete. Never
 * throws on any bytes; what it cannot use is counted in `counts`.
 */
export class RecordScanner {
  readonly counts: ScanCounts = {
    bytes: 0,
    records: 0,
    payloads: 0,
    badHeaders: 0,
    badJson: 0,
    md5Failures: 0,
    md5Unchecked: 0,
    oversized: 0,
    isTruncated: false,
  };
  readonly #onRecord: (record: RawRecord) => void;
  readonly #partial = new Scratch();
  readonly #payload = new Scratch();
  #open: OpenRecord | undefined;
  #isSkippingLine = false;
  #lastLineWasBad = false;

  constructor(onRecord: (record: RawRecord) => void) {
    this.#onRecord = onRecord;
  }

  push(chunk: Buffer): void {
    let start = 0;
    for (;;) {
      const newline = chunk.indexOf(lineFeed, start);
      if (newline === -1) break;
      if (this.#isSkippingLine) this.#isSkippingLine = false;
      else if (this.#partial.length > 0) {
        this.#partial.append(chunk, start, newline);
        const line = this.#partial.view();
        this.#line(line, 0, line.length, this.counts.bytes + newline + 1);
        this.#partial.clear();
      } else this.#line(chunk, start, newline, this.counts.bytes + newline + 1);
      start = newline + 1;
    }
    if (start < chunk.length && !this.#isSkippingLine) {
      this.#partial.append(chunk, start, chunk.length);
      if (this.#partial.length > maxBytes) {
        this.counts.oversized++;
        this.#isSkippingLine = true;
        this.#partial.clear();
      }
    }
    this.counts.bytes += chunk.length;
  }

  end(): void {
    const hasPartialLine = this.#partial.length > 0;
    if (hasPartialLine) {
      const line = this.#partial.view();
      this.#line(line, 0, line.length, this.counts.bytes);
      if (this.#lastLineWasBad) this.counts.isTruncated = true;
    }
    this.#partial.clear();
    const failuresBefore = this.counts.md5Failures;
    this.#finish();
    if (this.counts.md5Failures > failuresBefore) this.counts.isTruncated = true;
  }

  /** One line without its LF. `nextOffset` is the file offset behind it. */
  #line(bytes: Buffer, start: number, lineEnd: number, nextOffset: number): void {
    const end = lineEnd > start && bytes[lineEnd - 1] === carriageReturn ? lineEnd - 1 : lineEnd;
    if (end === start) return;
    this.#lastLineWasBad = false;
    const open = this.#open;
    if (open?.digest !== undefined) {
      const prefixed = start + open.prefixLength;
      const textStart =
        prefixed < end && bytes[prefixed] === tab ? prefixed + 1 : bytes[start] === tab ? start + 1 : -1;
      if (textStart !== -1) {
        open.regionEnd = nextOffset;
        this.#payloadLine(open, bytes, textStart, end);
        return;
      }
    }
    this.#finish();
    if (bytes[start] === tab) this.#drop('badHeaders');
    else this.#header(bytes, start, end, nextOffset);
  }

  #payloadLine(open: OpenRecord, bytes: Buffer, start: number, end: number): void {
    if (this.#payload.length + end - start > maxBytes) {
      if (!open.isOversized) this.counts.oversized++;
      open.isOversized = true;
      return;
    }
    if (open.lines++ > 0) this.#payload.appendByte(lineFeed);
    this.#payload.append(bytes, start, end);
  }

  #header(bytes: Buffer, start: number, end: number, nextOffset: number): void {
    // latin1: one character per byte, so that match positions are byte positions.
    const text = bytes.toString('latin1', start, end);
    stampPattern.lastIndex = 0;
    for (let stamp = stampPattern.exec(text); stamp !== null; stamp = stampPattern.exec(text)) {
      restPattern.lastIndex = stampPattern.lastIndex;
      const rest = restPattern.exec(text);
      if (rest === null) continue;
      const jsonStart = start + restPattern.lastIndex;
      const json = asFields(parsePythonJson(bytes.toString('utf8', jsonStart, end)));
      if (json === undefined) {
        this.#drop('badJson');
        return;
      }
      const digest = json['has_payload'];
      this.#open = {
        stamp: stamp[2]!,
        processId: rest[1]!,
        json,
        jsonLength: end - jsonStart,
        digest: typeof digest === 'string' ? digest : undefined,
        prefixLength: stamp.index,
        regionStart: nextOffset,
        regionEnd: nextOffset,
        lines: 0,
        isOversized: false,
      };
      return;
    }
    this.#drop('badHeaders');
  }

  #drop(reason: 'badHeaders' | 'badJson'): void {
    this.counts[reason]++;
    this.#lastLineWasBad = true;
  }

  #finish(): void {
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    this.counts.records++;
    const { stamp, processId, json, jsonLength } = open;
    if (open.digest === undefined) {
      this.#onRecord({ stamp, processId, json, jsonLength });
      return;
    }
    const bytes = this.#payload.view();
    const actual = md5(bytes);
    const isIntact = actual === undefined ? undefined : actual === open.digest;
    this.counts.payloads++;
    if (isIntact === false) this.counts.md5Failures++;
    if (isIntact === undefined) this.counts.md5Unchecked++;
    const region = {
      offset: open.regionStart,
      lengthBytes: open.regionEnd - open.regionStart,
      indentBytes: open.prefixLength + 1,
    };
    const payload = { sizeBytes: bytes.length, isIntact, region, text: () => bytes.toString('utf8') };
    this.#onRecord({ stamp, processId, json, jsonLength, payload });
    this.#payload.clear();
  }
}
