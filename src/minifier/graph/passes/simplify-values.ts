/** Values of inputs and constants: zeros, ones, single digits, whole numbers, one decimal. Whatever is plainest first. */
import { allocateArray, isNumeric, type NumericArray, type OnnxTensor } from '../../../onnx/index.ts';
import type { GraphCase } from '../graph-case.ts';
import { acceptEdits, withTensor, type GraphEdit } from '../graph-edits.ts';
import { defineGraphPass, type GraphPass } from '../graph-context.ts';

const name = 'simplify-values';

type Form = (value: number, index: number) => number;

const ones: Form = () => 1;
/** 1 to 9 with the sign of the value: neighbours differ, so that axes and places still matter. */
const digits: Form = (value, index) => (value < 0 ? -1 : 1) * (1 + (index % 9));
const forms: readonly Form[] = [
  () => 0,
  ones,
  (_, index) => 1 + (index % 9),
  digits,
  Math.round,
  (value) => Math.round(value * 10) / 10,
];

/** Bits of whole numbers in 16-bit floats, as long as they are small. */
function halfBits(value: number, exponentBits: number, fractionBits: number): number {
  const size = Math.abs(value);
  const exponent = Math.floor(Math.log2(size));
  const fraction = Math.round((size / 2 ** exponent - 1) * 2 ** fractionBits);
  const bias = 2 ** (exponentBits - 1) - 1;
  const bits = size === 0 ? 0 : ((exponent + bias) << fractionBits) + fraction;
  return value < 0 ? bits | 0x8000 : bits;
}

function stored(tensor: OnnxTensor, value: number): number | undefined {
  switch (tensor.dataType) {
    case 'float16':
      return halfBits(value, 5, 10);
    case 'bfloat16':
      return halfBits(value, 8, 7);
    case 'bool':
      return value === 0 ? 0 : 1;
    case 'float32':
    case 'float64':
      return value;
    case 'int8':
    case 'int16':
    case 'int32':
    case 'int64':
      return Math.trunc(value);
    case 'uint8':
    case 'uint16':
    case 'uint32':
    case 'uint64':
      return Math.abs(Math.trunc(value));
    default:
      return undefined;
  }
}

function readable({ dataType, data }: OnnxTensor, index: number): number {
  return dataType === 'float16' || dataType === 'bfloat16' ? 0 : Number(data[index]);
}

function inForm(tensor: OnnxTensor, form: Form): OnnxTensor | undefined {
  if (!isNumeric(tensor.data) || stored(tensor, 1) === undefined) return undefined;
  const data: NumericArray = allocateArray(tensor.dataType, tensor.data.length);
  for (let index = 0; index < data.length; index++) {
    const value = stored(tensor, form(readable(tensor, index), index))!;
    data[index] = data instanceof BigInt64Array || data instanceof BigUint64Array ? BigInt(value) : value;
  }
  return { ...tensor, data };
}

function tensorOf(testCase: GraphCase, tensor: string): OnnxTensor | undefined {
  return (
    testCase.inputs.get(tensor) ?? testCase.model.graph.initializers.find((each) => each.name === tensor)
  );
}

function simplified(tensor: string, form: Form): GraphEdit {
  return (testCase) => {
    const value = tensorOf(testCase, tensor);
    const simple = value && inForm(value, form);
    return simple && withTensor(testCase, tensor, simple);
  };
}

export const simplifyValues: GraphPass = defineGraphPass({
  name,
  title: 'values',
  tier: 1,
  run: async (problem) => {
    const { best } = problem;
    const names = new Set([
      ...best.inputs.keys(),
      ...best.model.graph.initializers.map((tensor) => tensor.name),
    ]);
    // Integers are sizes and axes more often than data.
    const isFloat = (tensor: string): boolean => tensorOf(best, tensor)!.dataType.includes('float');
    for (const form of [ones, digits]) {
      const edits = [...names].filter(isFloat).map((tensor) => simplified(tensor, form));
      const joint: GraphEdit = (testCase) =>
        edits.reduce<GraphCase | undefined>((made, edit) => (made && edit(made)) ?? made, testCase);
      if (edits.length > 1) await acceptEdits(problem, name, [joint]);
    }
    for (const tensor of names) {
      const candidates = forms.map((form) => {
        const testCase = simplified(tensor, form)(problem.best);
        return testCase && { testCase };
      });
      await problem.firstFailing(name, candidates);
    }
  },
});
