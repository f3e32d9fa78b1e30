import { describe, expect, it } from 'vitest';
import { displayName, leastSubset, parseOptimizerLog } from '../../../src/minifier/graph/culprit.ts';
import { maskedMessage, readableMessage } from '../../../src/minifier/graph/ort-messages.ts';

describe('leastSubset', () => {
  it.each([{ needed: ['e'] }, { needed: ['b', 'g'] }, { needed: ['a', 'c', 'h'] }])(
    'finds $needed among eight',
    async ({ needed }) => {
      const found = await leastSubset('abcdefgh'.split(''), (part) =>
        Promise.resolve(needed.every((item) => part.includes(item))),
      );
      expect(found).toEqual(needed);
    },
  );
});

describe('the optimizer log', () => {
  it('says which passes changed the graph, also when a later run of them did not', () => {
    const log = [
      'x GraphTransformer ConstantFolding modified: 1 with status: OK',
      'x GraphTransformer MatMulAddFusion modified: 0 with status: OK',
      'x GraphTransformer ConstantFolding modified: 0 with status: OK',
    ].join('\n');
    expect([...parseOptimizerLog(log)]).toEqual([
      ['ConstantFolding', true],
      ['MatMulAddFusion', false],
    ]);
  });

  it('gives passes the names of their classes', () => {
    expect(['Pad_Fusion', 'LayerNormFusionL1', 'FuseReluClip'].map(displayName)).toEqual([
      'PadFusion',
      'LayerNormFusion',
      'FuseReluClip',
    ]);
  });
});

describe('readableMessage', () => {
  it('leaves out where in the sources of onnxruntime it was raised', () => {
    const message =
      'Exception during initialization: /build/core/pool_attributes.h:77 onnxruntime::PoolAttributes::PoolAttributes(const KernelInfoType&, const std::string&, int) [with KernelInfoType = onnxruntime::OpKernelInfo; std::string = std::__cxx11::basic_string<char>] pads[dim] < kernel_shape[dim] was false. Pad should be smaller than kernel.';
    expect(readableMessage(message)).toBe(
      'pool_attributes.h: pads[dim] < kernel_shape[dim] was false. Pad should be smaller than kernel.',
    );
  });
});

describe('maskedMessage', () => {
  it('is equal for the same refusal of models with other names', () => {
    const message = (name: string): string =>
      `Invalid model. Node input '${name}' is not a graph input, initializer, or output of a previous node.`;
    expect(maskedMessage(message('Identity:0'))).toBe(maskedMessage(message('mid')));
  });
});
