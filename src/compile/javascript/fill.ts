/** Kernels whose values follow from attributes. */
import type { Attributes } from '../../ir/graph.ts';
import type { OpSignature } from '../../ir/op-signature.ts';
import { linSpaceValues, rangeValues } from '../ops/fill.ts';
import type { MakeClosure, NumericArray } from './closure.ts';

/** By the number that the op table says fills the result. */
export function filling(value: NonNullable<OpSignature['filling']>): MakeClosure {
  return ({ outputs, attributes }) => {
    const number = value(attributes);
    const { register, dtype } = outputs[0]!;
    if (dtype === 'bool' && number !== 0 && number !== 1) return undefined;
    return (registers) => {
      registers[register]!.fill(number);
    };
  };
}

function known(valuesOf: (attributes: Attributes) => NumericArray): MakeClosure {
  return ({ outputs, attributes }) => {
    const values = valuesOf(attributes);
    const { register } = outputs[0]!;
    return (registers) => {
      registers[register]!.set(values);
    };
  };
}

export const fillClosures: Readonly<Record<string, MakeClosure>> = {
  LinSpace: known(linSpaceValues),
  Range: known(rangeValues),
};
