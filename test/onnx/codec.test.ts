import assert from 'node:assert';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  allocateArray,
  arrayFromBytes,
  dataTypeCode,
  dataTypeOfCode,
  decodeModel,
  encodeModel,
  encodeModelChunks,
  GraphWriter,
  onnxDataTypes,
  splitModel,
  type OnnxModel,
} from '../../src/onnx/index.ts';
import { model } from './arbitraries.ts';

function fieldsOf(write: (writer: BinaryWriter) => void): Uint8Array {
  const writer = new BinaryWriter();
  write(writer);
  return writer.finish();
}

/** A model whose graph message holds the given fields, besides an output so that it counts as one. */
function modelWithGraph(graph: Uint8Array): Uint8Array {
  const output = fieldsOf((writer) => writer.tag(1, WireType.LengthDelimited).string('y'));
  return fieldsOf((writer) => {
    writer.tag(1, WireType.Varint).int64(8);
    writer.tag(7, WireType.LengthDelimited).fork().raw(graph);
    writer.tag(12, WireType.LengthDelimited).bytes(output).join();
  });
}

/** A graph with one initializer of the given TensorProto fields. */
function decodeTensor(write: (writer: BinaryWriter) => void): OnnxModel['graph']['initializers'][number] {
  const tensor = fieldsOf(write);
  const graph = fieldsOf((writer) => writer.tag(5, WireType.LengthDelimited).bytes(tensor));
  return decodeModel(modelWithGraph(graph)).graph.initializers[0]!;
}

function nestedModel(depth: number): OnnxModel {
  let graph: OnnxModel['graph'] = { name: 'leaf', nodes: [], inputs: [], outputs: [], initializers: [] };
  for (let level = 0; level < depth; level++) {
    const attributes = { body: { kind: 'graph' as const, value: graph } };
    const node = { opType: 'Loop', domain: '', name: '', inputs: [], outputs: [], attributes };
    graph = { name: 'loop', nodes: [node], inputs: [], outputs: [], initializers: [] };
  }
  return { irVersion: 8, opsets: [{ domain: '', version: 21 }], graph };
}

describe('encoding and decoding', () => {
  test('give back any model', () => {
    fc.assert(
      fc.property(model, (original) => {
        // Not `toStrictEqual`: it takes an attribute named `constructor` for the class of the object.
        assert.deepStrictEqual(decodeModel(encodeModel(original)), original);
      }),
      { numRuns: 300 },
    );
  });

  test('give the same bytes again', () => {
    fc.assert(
      fc.property(model, (original) => {
        const bytes = encodeModel(original);
        expect(encodeModel(decodeModel(bytes))).toEqual(bytes);
      }),
      { numRuns: 100 },
    );
  });

  test('bytes of any kind give a model or an error that says they are none', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.tuple(model, fc.nat(), fc.nat(255)).map(([original, at, value]) => {
        const damaged = encodeModel(original);
        damaged[at % damaged.length] = value;
        return damaged;
      }),
      fc.tuple(model, fc.nat()).map(([original, at]) => {
        const whole = encodeModel(original);
        return whole.subarray(0, at % whole.length);
      }),
    );
    fc.assert(
      fc.property(bytes, (input) => {
        try {
          decodeModel(input);
        } catch (error) {
          expect(error).toMatchObject({ name: 'UserError', code: expect.stringMatching(/^FG310[1-4]$/) });
        }
      }),
      { numRuns: 500 },
    );
  });

  test('graphs may be nested deeply, but not without end', () => {
    expect(decodeModel(encodeModel(nestedModel(20)))).toStrictEqual(nestedModel(20));
    expect(() => decodeModel(encodeModel(nestedModel(400)))).toThrow(/nested too deeply/);
  });

  test('the bytes of a Buffer that starts anywhere can be read', () => {
    const graph = new GraphWriter('g');
    const weights = Float64Array.from({ length: 300 }, (_, index) => index / 7);
    graph.output(graph.add('Neg', [graph.initializer(weights, [300])]), 'float64', [300]);
    const bytes = encodeModel(graph.toModel());
    for (let shift = 0; shift < 8; shift++) {
      const buffer = Buffer.concat([Buffer.alloc(shift), bytes]).subarray(shift);
      expect(decodeModel(buffer).graph.initializers[0]!.data).toEqual(weights);
    }
  });
});

describe('weights', () => {
  const graph = new GraphWriter('weights');
  const weights = new Float32Array(25_000).fill(1);
  graph.output(graph.add('Relu', [graph.initializer(weights, [25_000])]), 'float32', [25_000]);
  const big = graph.toModel();

  test('are not copied: a chunk of the encoded model is their own memory', () => {
    const { chunks } = encodeModelChunks(big);
    expect(chunks.some((chunk) => chunk.buffer === weights.buffer)).toBe(true);
    expect(
      chunks.filter((chunk) => chunk.buffer !== weights.buffer).reduce((sum, chunk) => sum + chunk.length, 0),
    ).toBeLessThan(300);
  });

  test('that are big are handed over beside a split model', () => {
    const { bytes, externalData } = splitModel(big);
    expect(bytes.length).toBeLessThan(400);
    expect(Object.values(externalData).map((data) => data.buffer)).toEqual([weights.buffer]);
    expect(() => decodeModel(bytes)).toThrow('tensor constant is in the file weights-0');
  });

  test('are read where they lie when they are aligned', () => {
    const bytes = encodeModel(big);
    const { data } = decodeModel(bytes).graph.initializers[0]!;
    expect(data).toEqual(weights);
    const offset = bytes.length - weights.byteLength;
    const shifted = new Uint8Array(bytes.length + 4);
    shifted.set(bytes, 4 - (offset % 4));
    const aligned = decodeModel(shifted.subarray(4 - (offset % 4), 4 - (offset % 4) + bytes.length));
    const read = aligned.graph.initializers[0]!.data as Float32Array;
    expect(read.buffer).toBe(shifted.buffer);
  });

  test.each([
    ['float32', 4, Float32Array.of(1.5, -2), (writer: BinaryWriter) => writer.float(1.5).float(-2)],
    ['int32', 5, Int32Array.of(7, -8), (writer: BinaryWriter) => writer.int32(7).int32(-8)],
    ['int8', 5, Int8Array.of(7, -8), (writer: BinaryWriter) => writer.int32(7).int32(-8)],
    ['bool', 5, Uint8Array.of(1, 0), (writer: BinaryWriter) => writer.int32(1).int32(0)],
    [
      'float16',
      5,
      Uint16Array.of(0x3c00, 0xbc00),
      (writer: BinaryWriter) => writer.int32(0x3c00).int32(0xbc00),
    ],
    [
      'int64',
      7,
      BigInt64Array.of(2n ** 62n, -1n),
      (writer: BinaryWriter) => writer.int64(2n ** 62n).int64(-1n),
    ],
    ['float64', 10, Float64Array.of(0.1, -2), (writer: BinaryWriter) => writer.double(0.1).double(-2)],
    [
      'uint64',
      11,
      BigUint64Array.of(2n ** 64n - 1n, 0n),
      (writer: BinaryWriter) => writer.uint64(2n ** 64n - 1n).uint64(0),
    ],
    [
      'uint32',
      11,
      Uint32Array.of(2 ** 32 - 1, 0),
      (writer: BinaryWriter) => writer.uint64(2 ** 32 - 1).uint64(0),
    ],
  ] as const)('of type %s are read from typed lists, packed and unpacked', (dataType, field, data, write) => {
    const wireType = { 4: WireType.Bit32, 10: WireType.Bit64 }[field as number] ?? WireType.Varint;
    const packed = decodeTensor((writer) => {
      writer.tag(1, WireType.Varint).int64(2).tag(2, WireType.Varint).int64(dataTypeCode(dataType));
      write(writer.tag(field, WireType.LengthDelimited).fork());
      writer.join();
    });
    expect(packed).toEqual({ name: '', dims: [2], dataType, data });
    const values = fieldsOf(write);
    const [first, second] = fieldSplit(values, wireType);
    const unpacked = decodeTensor((writer) => {
      writer.tag(1, WireType.LengthDelimited).fork().int64(2).join();
      writer.tag(2, WireType.Varint).int64(dataTypeCode(dataType));
      writer.tag(field, wireType).raw(first).tag(field, wireType).raw(second);
    });
    expect(unpacked).toEqual(packed);
  });

  test('that are too few for their dims are an error', () => {
    const short = (): unknown =>
      decodeTensor((writer) => {
        writer
          .tag(1, WireType.Varint)
          .int64(5)
          .tag(2, WireType.Varint)
          .int64(1)
          .tag(8, WireType.LengthDelimited);
        writer.string('w').tag(9, WireType.LengthDelimited).bytes(new Uint8Array(16));
      });
    expect(short).toThrow('tensor w holds 4 values, its dims ask for 5');
  });

  test('of a type of the future are an error that names the type', () => {
    expect(() => decodeTensor((writer) => writer.tag(2, WireType.Varint).int64(99))).toThrow(
      'ONNX element type 99',
    );
  });
});

/** The two values in a run of two. */
function fieldSplit(bytes: Uint8Array, wireType: WireType): [Uint8Array, Uint8Array] {
  const size = wireType === WireType.Varint ? bytes.findIndex((byte) => byte < 128) + 1 : bytes.length / 2;
  return [bytes.subarray(0, size), bytes.subarray(size)];
}

describe('attributes', () => {
  /** A node with one attribute of the given AttributeProto fields. */
  const decodeAttribute = (write: (writer: BinaryWriter) => void): unknown => {
    const attribute = fieldsOf((writer) => write(writer.tag(1, WireType.LengthDelimited).string('a')));
    const node = fieldsOf((writer) => writer.tag(5, WireType.LengthDelimited).bytes(attribute));
    const graph = fieldsOf((writer) => writer.tag(1, WireType.LengthDelimited).bytes(node));
    return decodeModel(modelWithGraph(graph)).graph.nodes[0]!.attributes['a'];
  };

  test('that a writer left out because they are zero are zero', () => {
    expect(decodeAttribute((writer) => writer.tag(20, WireType.Varint).int64(2))).toEqual({
      kind: 'int',
      value: 0,
    });
    expect(decodeAttribute((writer) => writer.tag(20, WireType.Varint).int64(3))).toEqual({
      kind: 'string',
      value: '',
    });
    expect(decodeAttribute((writer) => writer.tag(20, WireType.Varint).int64(7))).toEqual({
      kind: 'ints',
      value: [],
    });
  });

  test('of IR version 1, which do not say their kind, get it from the field they use', () => {
    expect(decodeAttribute((writer) => writer.tag(3, WireType.Varint).int64(-5))).toEqual({
      kind: 'int',
      value: -5,
    });
    expect(decodeAttribute((writer) => writer.tag(7, WireType.Bit32).float(0.5))).toEqual({
      kind: 'floats',
      value: [0.5],
    });
  });

  test('that promise a tensor and have none are an error', () => {
    expect(() => decodeAttribute((writer) => writer.tag(20, WireType.Varint).int64(4))).toThrow(
      'attribute a says it is a tensor',
    );
  });

  test('keep all 64 bits of an int', () => {
    const value = 2n ** 63n - 1n;
    expect(decodeAttribute((writer) => writer.tag(3, WireType.Varint).int64(value))).toEqual({
      kind: 'int',
      value,
    });
  });
});

describe('element types', () => {
  test('have one number each', () => {
    for (const type of onnxDataTypes) expect(dataTypeOfCode(dataTypeCode(type))).toBe(type);
    expect(new Set(onnxDataTypes.map(dataTypeCode)).size).toBe(onnxDataTypes.length);
    expect(dataTypeOfCode(99)).toBeUndefined();
  });

  test('of less than a byte are packed', () => {
    expect(allocateArray('int4', 5)).toHaveLength(3);
    expect(allocateArray('uint2', 5)).toHaveLength(2);
    expect(allocateArray('complex64', 3)).toEqual(new Float32Array(6));
  });

  test('bytes that are not aligned are copied', () => {
    const bytes = new Uint8Array(new Float32Array([1, 2]).buffer);
    const shifted = new Uint8Array(9);
    shifted.set(bytes, 1);
    expect(arrayFromBytes('float32', shifted.subarray(1))).toEqual(Float32Array.of(1, 2));
  });
});

describe('no model', () => {
  test.each([
    ['an empty file', new Uint8Array()],
    [
      'a Git LFS pointer',
      new TextEncoder().encode('version https://git-lfs.github.com/spec/v1\noid sha256:00\n'),
    ],
    ['a ZIP archive', Uint8Array.of(0x50, 0x4b, 3, 4, 20, 0, 0, 0)],
  ])('%s is refused', (_, bytes) => {
    expect(() => decodeModel(bytes)).toThrow(/not a readable ONNX model/);
  });
});
