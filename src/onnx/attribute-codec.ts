/** AttributeProto ↔ `OnnxAttribute`: on the wire one message with a field per kind, as plain data a tagged union. */
import type {
  OnnxAttribute,
  OnnxAttributes,
  OnnxGraph,
  OnnxSparseTensor,
  OnnxTensor,
  OnnxType,
  WithUnknown,
} from './model.ts';
import { UserError } from '../ir/errors.ts';
import { decodeString, encodeString, sparseTensorMessage, tensorMessage } from './tensor-codec.ts';
import type { Field, Fields, Message, WireValue } from './wire.ts';
import {
  bytesValue,
  field,
  floatValue,
  intValue,
  message,
  optional,
  optionalRepeated,
  sizeValue,
  stringValue,
} from './wire.ts';

interface AttributeWire extends WithUnknown {
  readonly name: string;
  readonly reference?: string;
  readonly docString?: string;
  readonly typeCode: number;
  readonly float?: number;
  readonly int?: number | bigint;
  readonly string?: Uint8Array;
  readonly tensor?: OnnxTensor;
  readonly graph?: OnnxGraph;
  readonly sparseTensor?: OnnxSparseTensor;
  readonly type?: OnnxType;
  readonly floats?: readonly number[];
  readonly ints?: readonly (number | bigint)[];
  readonly strings?: readonly Uint8Array[];
  readonly tensors?: readonly OnnxTensor[];
  readonly graphs?: readonly OnnxGraph[];
  readonly sparseTensors?: readonly OnnxSparseTensor[];
  readonly types?: readonly OnnxType[];
}

type ValueKind = Exclude<OnnxAttribute['kind'], 'reference' | 'opaque'>;

/** Number of each kind in `type`, and the value of a field that a writer left out because it is the default. */
const kinds: Readonly<Record<ValueKind, readonly [code: number, absent: unknown]>> = {
  float: [1, 0],
  int: [2, 0],
  string: [3, new Uint8Array()],
  tensor: [4, undefined],
  graph: [5, undefined],
  floats: [6, []],
  ints: [7, []],
  strings: [8, []],
  tensors: [9, []],
  graphs: [10, []],
  sparseTensor: [11, undefined],
  sparseTensors: [12, []],
  type: [13, undefined],
  types: [14, []],
};
const kindNames = Object.keys(kinds) as ValueKind[];
const kindOfCode: ReadonlyMap<number, ValueKind> = new Map(kindNames.map((kind) => [kinds[kind][0], kind]));

function fromWire(wire: AttributeWire): OnnxAttribute {
  const common = {
    ...(wire.docString === undefined ? {} : { docString: wire.docString }),
    ...(wire.unknown === undefined ? {} : { unknown: wire.unknown }),
  };
  if (wire.reference !== undefined)
    return { kind: 'reference', value: wire.reference, typeCode: wire.typeCode, ...common };
  // Models of IR version 1 do not say the kind.
  const kind =
    wire.typeCode === 0 ? kindNames.find((name) => wire[name] !== undefined) : kindOfCode.get(wire.typeCode);
  if (kind === undefined) return { kind: 'opaque', typeCode: wire.typeCode, ...common };
  const found: unknown = wire[kind] ?? kinds[kind][1];
  if (found === undefined) {
    throw new UserError(`attribute ${wire.name} says it is a ${kind} and holds none`, {
      code: 'FG3103',
      hint: 'Write the model again: the file is damaged.',
    });
  }
  let value = found;
  if (kind === 'string') value = decodeString(found as Uint8Array);
  if (kind === 'strings') value = (found as Uint8Array[]).map(decodeString);
  return { kind, value, ...common } as OnnxAttribute;
}

function toWire(name: string, attribute: OnnxAttribute): AttributeWire {
  const common = {
    name,
    ...(attribute.docString === undefined ? {} : { docString: attribute.docString }),
    ...(attribute.unknown === undefined ? {} : { unknown: attribute.unknown }),
  };
  switch (attribute.kind) {
    case 'reference':
      return { ...common, reference: attribute.value, typeCode: attribute.typeCode };
    case 'opaque':
      return { ...common, typeCode: attribute.typeCode };
    case 'string':
      return { ...common, typeCode: 3, string: encodeString(attribute.value) };
    case 'strings':
      return { ...common, typeCode: 8, strings: attribute.value.map(encodeString) };
    default:
      return { ...common, typeCode: kinds[attribute.kind][0], [attribute.kind]: attribute.value };
  }
}

/** The `attribute` field of a node: a list on the wire, a record by name as plain data. */
export function attributesField(
  number: number,
  graph: WireValue<OnnxGraph>,
  type: WireValue<OnnxType>,
): Field<OnnxAttributes> {
  const fields: Fields<AttributeWire> = {
    name: field(1, stringValue, ''),
    float: optional(2, floatValue),
    int: optional(3, intValue),
    string: optional(4, bytesValue),
    tensor: optional(5, tensorMessage),
    graph: optional(6, graph),
    floats: optionalRepeated(7, floatValue),
    ints: optionalRepeated(8, intValue),
    strings: optionalRepeated(9, bytesValue),
    tensors: optionalRepeated(10, tensorMessage),
    graphs: optionalRepeated(11, graph),
    docString: optional(13, stringValue),
    type: optional(14, type),
    types: optionalRepeated(15, type),
    typeCode: field(20, sizeValue, 0),
    reference: optional(21, stringValue),
    sparseTensor: optional(22, sparseTensorMessage),
    sparseTensors: optionalRepeated(23, sparseTensorMessage),
  };
  const attributeMessage: Message<AttributeWire> = message(fields);
  return {
    number,
    initial: () => ({}),
    read(reader, wireType, current) {
      if (wireType !== attributeMessage.wireType) return undefined;
      const wire = attributeMessage.read(reader);
      // Not an assignment: a file may name an attribute `__proto__`.
      Object.defineProperty(current, wire.name, {
        value: fromWire(wire),
        enumerable: true,
        configurable: true,
        writable: true,
      });
      return current;
    },
    write(writer, attributes) {
      for (const [name, attribute] of Object.entries(attributes)) {
        writer.tag(number, attributeMessage.wireType);
        attributeMessage.write(writer, toWire(name, attribute));
      }
    },
  };
}
