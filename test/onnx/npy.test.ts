import assert from 'node:assert';
import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  allocateArray,
  bytesOf,
  decodeNpy,
  decodeNpz,
  encodeNpy,
  encodeNpz,
  tensorElements,
  type NpyArray,
  type OnnxDataType,
} from '../../src/onnx/index.ts';

/** A .npy file as NumPy lays it out, of its header and its values in hex. */
function npyFile(dict: string, hex: string): Uint8Array {
  const length = Math.ceil((10 + dict.length + 1) / 64) * 64 - 10;
  const prefix = [0x93, ...Buffer.from('NUMPY'), 1, 0, length & 0xff, length >> 8];
  return Buffer.concat([
    Uint8Array.from(prefix),
    Buffer.from(`${dict.padEnd(length - 1)}\n`),
    Buffer.from(hex, 'hex'),
  ]);
}

const numpyTypes: readonly OnnxDataType[] = [
  'bool',
  'float16',
  'float32',
  'float64',
  'int8',
  'int16',
  'int32',
  'int64',
  'uint8',
  'uint16',
  'uint32',
  'uint64',
  'complex64',
  'complex128',
];

const dims = fc.array(fc.nat(4), { maxLength: 4 });

const npyArray: fc.Arbitrary<NpyArray> = fc.oneof(
  fc
    .tuple(fc.constantFrom(...numpyTypes), dims, fc.uint8Array({ minLength: 1, maxLength: 16 }))
    .map(([dataType, dims, bytes]) => {
      const data = allocateArray(dataType, tensorElements(dims));
      bytesOf(data).forEach((_, index, all) => (all[index] = bytes[index % bytes.length]!));
      return { dataType, dims, data };
    }),
  fc
    .tuple(
      dims,
      fc.array(fc.string({ unit: 'grapheme', maxLength: 3 }).filter((text) => !text.endsWith('\0'))),
    )
    .map(([dims, texts]) => ({
      dataType: 'string' as const,
      dims,
      data: Array.from({ length: tensorElements(dims) }, (_, index) => texts[index % texts.length] ?? ''),
    })),
);

describe('.npy', () => {
  test('gives back any array', () => {
    fc.assert(
      fc.property(npyArray, (array) => {
        assert.deepStrictEqual(decodeNpy(encodeNpy(array)), array);
      }),
    );
  });

  // Values as numpy.save wrote them.
  test.each<[string, string, string, NpyArray]>([
    [
      'a matrix',
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }",
      '0000c03f000000c00000404000008040',
      { dataType: 'float32', dims: [2, 2], data: Float32Array.of(1.5, -2, 3, 4) },
    ],
    [
      'Fortran order',
      "{'descr': '<i4', 'fortran_order': True, 'shape': (2, 3, 4), }",
      '000000000c00000004000000100000000800000014000000010000000d00000005000000110000000900000015000000' +
        '020000000e00000006000000120000000a00000016000000030000000f00000007000000130000000b00000017000000',
      { dataType: 'int32', dims: [2, 3, 4], data: Int32Array.from({ length: 24 }, (_, index) => index) },
    ],
    [
      'big-endian values',
      "{'descr': '>f8', 'fortran_order': False, 'shape': (2,), }",
      '3ff8000000000000c002000000000000',
      { dataType: 'float64', dims: [2], data: Float64Array.of(1.5, -2.25) },
    ],
    [
      'big-endian complex values in Fortran order',
      "{'descr': '>c8', 'fortran_order': True, 'shape': (2, 2), }",
      '3f800000400000004080000000000000404000000000000040a00000bf800000',
      { dataType: 'complex64', dims: [2, 2], data: Float32Array.of(1, 2, 3, 0, 4, 0, 5, -1) },
    ],
    [
      'a scalar',
      "{'descr': '|u1', 'fortran_order': False, 'shape': (), }",
      '07',
      { dataType: 'uint8', dims: [], data: Uint8Array.of(7) },
    ],
    [
      'texts',
      "{'descr': '<U2', 'fortran_order': False, 'shape': (3,), }",
      '6100000000000000e900000000f601000000000000000000',
      { dataType: 'string', dims: [3], data: ['a', 'é\u{1F600}', ''] },
    ],
    [
      'texts in Fortran order',
      "{'descr': '<U1', 'fortran_order': True, 'shape': (2, 3), }",
      '610000006400000062000000650000006300000066000000',
      { dataType: 'string', dims: [2, 3], data: ['a', 'b', 'c', 'd', 'e', 'f'] },
    ],
    [
      'byte strings',
      "{'descr': '|S2', 'fortran_order': False, 'shape': (2,), }",
      '61626300',
      { dataType: 'string', dims: [2], data: ['ab', 'c'] },
    ],
    [
      'no values',
      "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 3), }",
      '',
      { dataType: 'float32', dims: [0, 3], data: new Float32Array() },
    ],
  ])('of NumPy is read: %s', (_, dict, hex, expected) => {
    assert.deepStrictEqual(decodeNpy(npyFile(dict, hex)), expected);
  });

  test('is written byte by byte as NumPy writes it', () => {
    const array: NpyArray = { dataType: 'float16', dims: [2], data: Uint16Array.of(0x3c00, 0xbc00) };
    const numpy = npyFile("{'descr': '<f2', 'fortran_order': False, 'shape': (2,), }", '003c00bc');
    expect(Buffer.from(encodeNpy(array)).equals(numpy)).toBe(true);
  });

  test('of version 2 is read', () => {
    const version2 =
      'k05VTVBZAgB0AAAAeydkZXNjcic6ICd8aTEnLCAnZm9ydHJhbl9vcmRlcic6IEZhbHNlLCAnc2hhcGUnOiAoMSwpLCB9'.concat(
        'ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoB',
      );
    expect(decodeNpy(Buffer.from(version2, 'base64'))).toEqual({
      dataType: 'int8',
      dims: [1],
      data: Int8Array.of(1),
    });
  });

  test.each<[string, Uint8Array, RegExp]>([
    ['other bytes', Uint8Array.of(1, 2, 3), /does not start with/],
    ['objects', npyFile("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", '80'), /type \|O/],
    [
      'too few bytes',
      npyFile("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", '0000'),
      /ends too early/,
    ],
    ['a header that is none', npyFile('{}', ''), /header is \{\}/],
    ['an odd shape', npyFile("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", ''), /shape is/],
    ['half a header', npyFile("{'descr': '<f4'", '').subarray(0, 40), /ends in its header/],
  ])('that holds %s is refused', (_, bytes, message) => {
    expect(() => decodeNpy(bytes)).toThrow(message);
  });

  test('cannot hold types that NumPy has not', () => {
    const array: NpyArray = { dataType: 'bfloat16', dims: [1], data: Uint16Array.of(1) };
    expect(() => encodeNpy(array)).toThrow('NumPy has no type for bfloat16');
  });

  test('bytes of any kind give an array or an error', () => {
    const damaged = fc.tuple(npyArray, fc.nat(), fc.nat(255)).map(([array, at, value]) => {
      const bytes = encodeNpy(array);
      bytes[at % bytes.length] = value;
      return bytes;
    });
    fc.assert(
      fc.property(fc.oneof(damaged, fc.uint8Array()), (bytes) => {
        try {
          decodeNpy(bytes);
        } catch (error) {
          expect(error).toMatchObject({ name: 'UserError', code: 'FG3107' });
        }
      }),
    );
  });
});

describe('.npz', () => {
  test('gives back any arrays', () => {
    const arrays = fc.dictionary(fc.string({ minLength: 1, unit: 'grapheme' }), npyArray, {
      maxKeys: 3,
      noNullPrototype: true,
    });
    fc.assert(
      fc.property(arrays, (record) => {
        const named = new Map(Object.entries(record));
        assert.deepStrictEqual(decodeNpz(encodeNpz(named)), named);
      }),
    );
  });

  test('of equal arrays has equal bytes', () => {
    const arrays = new Map([['x', { dataType: 'float32' as const, dims: [1], data: Float32Array.of(1) }]]);
    expect(encodeNpz(arrays)).toEqual(encodeNpz(arrays));
  });

  const compressed =
    'UEsDBC0AAAAIAAAAIQC2jIZT//////////8FABQAeC5ucHkBABAAjAAAAAAAAABLAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6TZqKuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GsY6mjoKtQoUAC4GMGiwBxIOAFBLAwQtAAAACAAAACEAPpoUXv//////////BQAUAHkubnB5AQAQAIgAAAAAAAAASAAAAAAAAACb7BfqGxDJyFDGUK2eklqcXKRupaBuk2mhrqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ckFqQC+RqGOpo6CrUKFAAuRgYIAABQSwECLQMtAAAACAAAACEAtoyGU0sAAACMAAAABQAAAAAAAAAAAAAAgAEAAAAAeC5ucHlQSwECLQMtAAAACAAAACEAPpoUXkgAAACIAAAABQAAAAAAAAAAAAAAgAGCAAAAeS5ucHlQSwUGAAAAAAIAAgBmAAAAAQEAAAAA';
  const stored =
    'UEsDBC0AAAAAAAAAIQC2jIZT//////////8FABQAeC5ucHkBABAAjAAAAAAAAACMAAAAAAAAAJNOVU1QWQEAdgB7J2Rlc2NyJzogJzxmNCcsICdmb3J0cmFuX29yZGVyJzogRmFsc2UsICdzaGFwZSc6ICgzLCksIH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAKAAAAAAAAgD8AAABAUEsBAi0DLQAAAAAAAAAhALaMhlOMAAAAjAAAAAUAAAAAAAAAAAAAAIABAAAAAHgubnB5UEsFBgAAAAABAAEAMwAAAMMAAAAAAA==';

  test('of numpy.savez and numpy.savez_compressed is read', () => {
    const x: NpyArray = { dataType: 'float32', dims: [3], data: Float32Array.of(0, 1, 2) };
    const y: NpyArray = { dataType: 'int64', dims: [1], data: BigInt64Array.of(1n) };
    expect(decodeNpz(Buffer.from(compressed, 'base64'))).toEqual(
      new Map([
        ['x', x],
        ['y', y],
      ]),
    );
    expect(decodeNpz(Buffer.from(stored, 'base64'))).toEqual(new Map([['x', x]]));
  });

  test('with sizes in ZIP64 fields is read', () => {
    const file = encodeNpy({ dataType: 'int8', dims: [1], data: Int8Array.of(5) });
    expect(decodeNpz(zip64(file))).toEqual(
      new Map([['x', { dataType: 'int8', dims: [1], data: Int8Array.of(5) }]]),
    );
  });

  test('that is damaged is refused', () => {
    const bytes = Buffer.from(stored, 'base64');
    bytes[180]! ^= 1;
    expect(() => decodeNpz(bytes)).toThrow('entry x.npy is damaged');
    expect(() => decodeNpz(bytes.subarray(0, 100))).toThrow('it has no ZIP directory');
    expect(() => decodeNpz(new Uint8Array())).toThrow('it has no ZIP directory');
  });

  test('an entry that unpacks to more than it says is refused', () => {
    const bomb = zip64(new Uint8Array(100_000), 10);
    expect(() => decodeNpz(bomb)).toThrow(/not a readable .npz file/);
  });
});

/** An archive of one file, laid out as writers of big archives do: all sizes and offsets in 64 bits. */
function zip64(file: Uint8Array, size: number = file.length): Uint8Array {
  const name = Buffer.from('x.npy');
  const packed = deflateRawSync(file);
  const bytes = (
    length: number,
    fields: readonly (readonly [at: number, value: number, width: 2 | 4 | 8])[],
  ): Buffer => {
    const buffer = Buffer.alloc(length);
    for (const [at, value, width] of fields) {
      if (width === 8) buffer.writeBigUInt64LE(BigInt(value), at);
      else buffer.writeUIntLE(value, at, width);
    }
    return buffer;
  };
  const crc = crcOf(file);
  const max = 0xffffffff;
  const local = bytes(30, [
    [0, 0x04034b50, 4],
    [8, 8, 2],
    [14, crc, 4],
    [18, max, 4],
    [22, max, 4],
    [26, name.length, 2],
  ]);
  const extra = bytes(36, [
    [0, 9, 2],
    [2, 4, 2],
    [8, 1, 2],
    [10, 24, 2],
    [12, size, 8],
    [20, packed.length, 8],
    [28, 0, 8],
  ]);
  const central = bytes(46, [
    [0, 0x02014b50, 4],
    [10, 8, 2],
    [16, crc, 4],
    [20, max, 4],
    [24, max, 4],
    [28, name.length, 2],
    [30, 36, 2],
    [42, max, 4],
  ]);
  const offset = local.length + name.length + packed.length;
  const end64At = offset + central.length + name.length + extra.length;
  const end64 = bytes(56, [
    [0, 0x06064b50, 4],
    [32, 1, 8],
    [48, offset, 8],
  ]);
  const locator = bytes(20, [
    [0, 0x07064b50, 4],
    [8, end64At, 8],
  ]);
  const end = bytes(22, [
    [0, 0x06054b50, 4],
    [10, 0xffff, 2],
    [16, max, 4],
  ]);
  return Buffer.concat([local, name, packed, central, name, extra, end64, locator, end]);
}

function crcOf(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}
