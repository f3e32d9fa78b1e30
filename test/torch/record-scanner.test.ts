import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RecordScanner, type ScanCounts } from '../../src/torch/record-scanner.ts';
import { LogWriter } from './support/make-log.ts';

interface Scanned {
  readonly records: readonly {
    readonly json: unknown;
    readonly payload: string | undefined;
    readonly isIntact: boolean | undefined;
  }[];
  readonly counts: ScanCounts;
}

function scan(chunks: readonly Buffer[]): Scanned {
  const records: Scanned['records'][number][] = [];
  const scanner = new RecordScanner(({ json, payload }) => {
    records.push({ json, payload: payload?.text(), isIntact: payload?.isIntact });
  });
  for (const chunk of chunks) scanner.push(chunk);
  scanner.end();
  return { records, counts: scanner.counts };
}

function scanText(text: string): Scanned {
  return scan([Buffer.from(text)]);
}

const payload = 'class GraphModule:\n\n\tdef forward(self):\n        return "ü"\n';

function log(prefix = ''): LogWriter {
  return new LogWriter({ prefix })
    .record('str', ['/srv/app.py', 0])
    .record('dynamo_output_graph', { sizes: {} }, { id: '0/0', payload })
    .record('compilation_metrics', { co_name: 'f' }, { id: '0/0' });
}

describe('a sound log', () => {
  test('gives records with their payloads, blank lines and inner tabs kept', () => {
    const { records, counts } = scanText(log().text);
    expect(records.map((record) => record.payload)).toEqual([undefined, payload, undefined]);
    expect(records[1]!.isIntact).toBe(true);
    expect(counts).toMatchObject({
      records: 3,
      payloads: 1,
      badHeaders: 0,
      badJson: 0,
      md5Failures: 0,
      isTruncated: false,
    });
    expect(counts.bytes).toBe(Buffer.byteLength(log().text));
  });

  test('is the same with CRLF line ends', () => {
    const { records, counts } = scanText(log().text.replaceAll('\n', '\r\n'));
    expect(records[1]).toMatchObject({ payload, isIntact: true });
    expect(counts.badHeaders).toBe(0);
  });

  test.each(['[rank0]:', 'pod-7 2026-11-20T09:00:00Z stdout F ', '…: '])(
    'is the same behind the prefix %j',
    (prefix) => {
      const { records, counts } = scanText(log(prefix).text);
      expect(records.map((record) => record.payload)).toEqual([undefined, payload, undefined]);
      expect(counts.md5Failures + counts.badHeaders).toBe(0);
    },
  );

  test('is the same with empty lines between all others', () => {
    const { records, counts } = scanText(log().text.replaceAll('\n', '\n\n'));
    expect(records[1]).toMatchObject({ payload, isIntact: true });
    expect(counts.records).toBe(3);
  });

  test('is the same in chunks of any size', () => {
    const bytes = Buffer.from(log('[rank1]:').text);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 97 }), { minLength: 1 }), (sizes) => {
        const chunks: Buffer[] = [];
        for (let start = 0, index = 0; start < bytes.length; index++) {
          const end = start + sizes[index % sizes.length]!;
          chunks.push(bytes.subarray(start, end));
          start = end;
        }
        expect(scan(chunks).records).toEqual(scan([bytes]).records);
      }),
    );
  });

  test('points at the raw lines of a payload', () => {
    const text = log().text;
    let region = { offset: 0, lengthBytes: 0 };
    const scanner = new RecordScanner((record) => {
      if (record.payload !== undefined) region = record.payload.region;
    });
    for (const byte of Buffer.from(text)) scanner.push(Buffer.of(byte));
    scanner.end();
    const raw = Buffer.from(text)
      .subarray(region.offset, region.offset + region.lengthBytes)
      .toString();
    expect(raw).toBe(
      payload
        .split('\n')
        .map((line) => `\t${line}\n`)
        .join(''),
    );
  });
});

describe('a damaged log', () => {
  test('counts lines that are no headers, and goes on', () => {
    const { records, counts } = scanText(`Traceback\n\tstray payload line\n${log().text}W1120 no header\n`);
    expect(counts).toMatchObject({ badHeaders: 3, records: 3 });
    expect(records).toHaveLength(3);
  });

  test('counts a header with damaged JSON, and its payload lines as strays', () => {
    const { counts } = scanText(log().text.replace('{"dynamo_output_graph"', '{dynamo_output_graph"'));
    expect(counts).toMatchObject({ badJson: 1, badHeaders: payload.split('\n').length, records: 2 });
  });

  test('keeps a payload that does not match its md5', () => {
    const { records, counts } = scanText(log().text.replace('GraphModule', 'GraphMopule'));
    expect(records[1]).toMatchObject({
      payload: payload.replace('GraphModule', 'GraphMopule'),
      isIntact: false,
    });
    expect(counts).toMatchObject({ md5Failures: 1, isTruncated: false });
  });

  test('says that it ends inside a payload', () => {
    const text = log().text;
    const { records, counts } = scanText(text.slice(0, text.indexOf('return "ü"')));
    expect(records[1]!.isIntact).toBe(false);
    expect(counts.isTruncated).toBe(true);
  });

  test('says that it ends inside a header', () => {
    const text = log().text;
    expect(scanText(text.slice(0, text.length - 8)).counts).toMatchObject({ isTruncated: true, badJson: 1 });
  });

  test('that does not end in a newline is whole', () => {
    expect(scanText(log().text.trimEnd()).counts).toMatchObject({ records: 3, isTruncated: false });
  });

  test('never throws, whatever the bytes, and accounts for each of them', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 })), (chunks) => {
        const { counts } = scan(chunks.map((chunk) => Buffer.from(chunk)));
        expect(counts.bytes).toBe(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
      }),
    );
  });

  test('with bytes cut out or overwritten gives the records that are left', () => {
    const bytes = Buffer.from(log().text);
    fc.assert(
      fc.property(
        fc.nat(bytes.length),
        fc.nat(60),
        fc.uint8Array({ maxLength: 20 }),
        (start, length, insert) => {
          const damaged = Buffer.concat([bytes.subarray(0, start), insert, bytes.subarray(start + length)]);
          expect(scan([damaged]).records.length).toBeLessThanOrEqual(4);
        },
      ),
    );
  });

  test('of a million digits is read in linear time', () => {
    const line = `V1120 09:00:00.000000 ${'1'.repeat(1_000_000)} {`;
    expect(scanText(`${line}\n${log().text}`).counts).toMatchObject({ badHeaders: 1, records: 3 });
  });
});
