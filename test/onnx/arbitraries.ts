/** Arbitrary ONNX models: any message nested in any other, every kind of attribute and element type, unknown fields. */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import fc from 'fast-check';
import {
  allocateArray,
  bytesOf,
  onnxDataTypes,
  tensorElements,
  type OnnxAttribute,
  type OnnxGraph,
  type OnnxModel,
  type OnnxNode,
  type OnnxSparseTensor,
  type OnnxTensor,
  type OnnxType,
  type OnnxValueInfo,
} from '../../src/onnx/index.ts';

const name: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom('x', 'y', 'w', 'dense_1/MatMul:0', '', '__proto__'),
  fc.string({ unit: 'binary', maxLength: 6 }),
);
const attributeName: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom('axis', 'to', 'alpha', 'constructor', '__proto__'),
  fc.string({ minLength: 1, maxLength: 6 }),
);

/** Bytes of fields that no message of ours has. */
const unknownFields: fc.Arbitrary<Uint8Array> = fc
  .array(
    fc.record({
      number: fc.integer({ min: 200, max: 536870911 }),
      kind: fc.constantFrom(WireType.Varint, WireType.Bit64, WireType.LengthDelimited, WireType.Bit32),
      bytes: fc.uint8Array({ maxLength: 5 }),
    }),
    { minLength: 1, maxLength: 3 },
  )
  .map((fields) => {
    const writer = new BinaryWriter();
    for (const { number, kind, bytes } of fields) {
      writer.tag(number, kind);
      if (kind === WireType.Varint) writer.uint32(bytes.length);
      else if (kind === WireType.Bit64) writer.double(bytes.length);
      else if (kind === WireType.LengthDelimited) writer.bytes(bytes);
      else writer.float(bytes.length);
    }
    return writer.finish();
  });

/** A record of which the optional keys are sometimes there. */
function some<T extends object>(keys: { [K in keyof T]-?: fc.Arbitrary<T[K]> }): fc.Arbitrary<Partial<T>> {
  return fc.record(keys, { requiredKeys: [], noNullPrototype: true }) as fc.Arbitrary<Partial<T>>;
}

const metadata = fc.array(fc.record({ key: name, value: name }, { noNullPrototype: true }), {
  minLength: 1,
  maxLength: 2,
});
const common = some({ docString: name, metadata, unknown: unknownFields });
const onlyUnknown = some({ unknown: unknownFields });

const int = fc.oneof(
  fc.integer(),
  fc.constantFrom(Number.MAX_SAFE_INTEGER, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n),
);
const float = fc.float({ noDefaultInfinity: false });
/** Bytes that are not UTF-8 stay bytes. */
const text = fc.oneof(name, fc.constant(Uint8Array.of(0xff, 0xfe)));

const tensor: fc.Arbitrary<OnnxTensor> = fc
  .tuple(
    name,
    fc.constantFrom(...onnxDataTypes),
    fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }),
    fc.uint8Array({ minLength: 1, maxLength: 16 }),
    common,
  )
  .map(([name, dataType, dims, bytes, extra]) => {
    const elements = tensorElements(dims);
    if (dataType === 'string')
      return {
        name,
        dims,
        dataType,
        data: Array.from({ length: elements }, (_, index) => `s${index}`),
        ...extra,
      };
    const data = allocateArray(dataType, elements);
    const view = bytesOf(data);
    for (let index = 0; index < view.length; index++) view[index] = bytes[index % bytes.length]!;
    return { name, dims, dataType, data, ...extra };
  });

const sparseTensor: fc.Arbitrary<OnnxSparseTensor> = fc
  .tuple(tensor, tensor, fc.array(fc.nat(9), { maxLength: 2 }), onlyUnknown)
  .map(([values, indices, dims, extra]) => ({ values, indices, dims, ...extra }));

const dim = fc.oneof(fc.nat(5), fc.constantFrom('batch', 'n'), fc.constant(null));
const typeExtra = some({ denotation: name, unknown: unknownFields });

interface Recursive {
  type: OnnxType;
  graph: OnnxGraph;
  node: OnnxNode;
  attribute: OnnxAttribute;
  valueInfo: OnnxValueInfo;
}

type Tie = <K extends keyof Recursive>(key: K) => fc.Arbitrary<Recursive[K]>;

function builders(tie: Tie): { [K in keyof Recursive]: fc.Arbitrary<Recursive[K]> } {
  return {
    type: fc.oneof(
      { maxDepth: 2 },
      fc
        .tuple(
          fc.constantFrom('tensor' as const, 'sparseTensor' as const),
          fc.constantFrom(...onnxDataTypes),
          fc.option(fc.array(dim, { maxLength: 3 }), { nil: undefined }),
          typeExtra,
        )
        .map(([kind, dataType, dims, extra]) => ({ kind, dataType, ...(dims && { dims }), ...extra })),
      fc
        .tuple(fc.constantFrom('sequence' as const, 'optional' as const), tie('type'), typeExtra)
        .map(([kind, element, extra]) => ({ kind, element, ...extra })),
      fc
        .tuple(fc.constantFrom('string' as const, 'int64' as const), tie('type'), typeExtra)
        .map(([keyType, valueType, extra]) => ({ kind: 'map' as const, keyType, valueType, ...extra })),
      typeExtra.map((extra) => ({ kind: 'opaque' as const, ...extra })),
    ) as fc.Arbitrary<OnnxType>,
    valueInfo: fc
      .tuple(name, some({ type: tie('type') }), common)
      .map(([name, typed, extra]) => ({ name, ...typed, ...extra })),
    attribute: fc
      .tuple(
        fc.oneof(
          { maxDepth: 2 },
          fc.oneof(
            float.map((value) => ({ kind: 'float' as const, value })),
            int.map((value) => ({ kind: 'int' as const, value })),
            text.map((value) => ({ kind: 'string' as const, value })),
            tensor.map((value) => ({ kind: 'tensor' as const, value })),
            sparseTensor.map((value) => ({ kind: 'sparseTensor' as const, value })),
            fc.array(float, { maxLength: 3 }).map((value) => ({ kind: 'floats' as const, value })),
            fc.array(int, { maxLength: 3 }).map((value) => ({ kind: 'ints' as const, value })),
            fc.array(text, { maxLength: 3 }).map((value) => ({ kind: 'strings' as const, value })),
            fc.array(tensor, { maxLength: 2 }).map((value) => ({ kind: 'tensors' as const, value })),
            fc
              .array(sparseTensor, { maxLength: 2 })
              .map((value) => ({ kind: 'sparseTensors' as const, value })),
            name.map((value) => ({ kind: 'reference' as const, value, typeCode: 2 })),
            fc.constant({ kind: 'opaque' as const, typeCode: 77 }),
          ),
          fc.oneof(
            tie('graph').map((value) => ({ kind: 'graph' as const, value })),
            fc.array(tie('graph'), { maxLength: 2 }).map((value) => ({ kind: 'graphs' as const, value })),
            tie('type').map((value) => ({ kind: 'type' as const, value })),
            fc.array(tie('type'), { maxLength: 2 }).map((value) => ({ kind: 'types' as const, value })),
          ),
        ),
        some({ docString: name, unknown: unknownFields }),
      )
      .map(([attribute, extra]) => ({ ...attribute, ...extra })),
    node: fc
      .tuple(
        fc.record({
          opType: name,
          domain: fc.constantFrom('', 'com.microsoft'),
          name,
          inputs: fc.array(name, { maxLength: 3 }),
          outputs: fc.array(name, { maxLength: 2 }),
          attributes: fc
            .array(fc.tuple(attributeName, tie('attribute')), { maxLength: 2 })
            .map((entries) => Object.fromEntries(entries)),
        }),
        some({ overload: name }),
        common,
      )
      .map(([node, overload, extra]) => ({ ...node, ...overload, ...extra })),
    graph: fc
      .tuple(
        fc.record({
          name,
          nodes: fc.array(tie('node'), { maxLength: 3, depthIdentifier: 'graph' }),
          inputs: fc.array(tie('valueInfo'), { maxLength: 2 }),
          outputs: fc.array(tie('valueInfo'), { maxLength: 2 }),
          initializers: fc.array(tensor, { maxLength: 3 }),
        }),
        some({
          sparseInitializers: fc.array(sparseTensor, { minLength: 1, maxLength: 2 }),
          valueInfos: fc.array(tie('valueInfo'), { minLength: 1, maxLength: 2 }),
        }),
        common,
      )
      .map(([graph, lists, extra]) => ({ ...graph, ...lists, ...extra })),
  };
}

const { graph } = fc.letrec<Recursive>((tie) => builders(tie as Tie));

const opsets = fc.array(
  fc
    .tuple(fc.constantFrom('', 'com.microsoft', 'my.domain'), fc.integer({ min: 1, max: 26 }), onlyUnknown)
    .map(([domain, version, extra]) => ({ domain, version, ...extra })),
  { minLength: 1, maxLength: 2 },
);

export const model: fc.Arbitrary<OnnxModel> = fc
  .tuple(
    fc.record({ irVersion: fc.integer({ min: 1, max: 13 }), opsets, graph }),
    some({
      functions: fc.array(
        fc
          .tuple(
            fc.record({
              name,
              domain: name,
              inputs: fc.array(name, { maxLength: 2 }),
              outputs: fc.array(name, { maxLength: 2 }),
              nodes: graph.map((body) => body.nodes),
              opsets,
            }),
            some({ overload: name, attributeNames: fc.array(name, { minLength: 1, maxLength: 2 }) }),
            common,
          )
          .map(([definition, lists, extra]) => ({ ...definition, ...lists, ...extra })),
        { minLength: 1, maxLength: 2 },
      ),
      producerName: name,
      producerVersion: name,
      domain: name,
      modelVersion: int,
    }),
    common,
  )
  .map(([model, lists, extra]) => ({ ...model, ...lists, ...extra }));
