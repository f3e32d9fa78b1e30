import { describe, expect, it } from 'vitest';
import {
  callbackContext,
  failureOrigin,
  formatSignature,
  isSameFailure,
  maskMessage,
  showsFailure,
  signatureSlug,
  type Signature,
} from '../../src/minifier/verdict.ts';

describe('maskMessage', () => {
  it.each([
    ['shapes', 'Tensors with shapes 2,3 and [4, 5] must match.', 'Tensors with shapes # and [#] must match.'],
    ['numbers', 'expected 1.5e-3 but got -7', 'expected # but got #'],
    ['empty shapes', 'rank of [] is not ()', 'rank of [#] is not (#)'],
    ['addresses', 'crash at 0x7fff12ab', 'crash at #'],
    ['paths', 'cannot open /home/ada/data/train.csv', 'cannot open <path>'],
    [
      'generated layer names',
      'Input 0 is incompatible with layer dense_Dense12',
      'Input # is incompatible with layer dense_Dense#',
    ],
    ['lists with undefined', 'shape [undefined,3]', 'shape [#]'],
  ])('masks %s', (_, message, masked) => {
    expect(maskMessage(message)).toBe(masked);
  });

  it('keeps names, which tell failures apart', () => {
    expect(maskMessage("Cannot read properties of undefined (reading 'shape')")).toContain("'shape'");
    expect(maskMessage("Kernel 'Einsum' not registered for backend 'wasm'")).toContain("'Einsum'");
    expect(maskMessage('conv2d needs float32')).toBe('conv2d needs float32');
  });

  it('is stable: masking twice changes nothing', () => {
    const once = maskMessage('Shapes 1,2,3 and 4,5: layer dense_1 at /a/b/c.js:3 0xff');
    expect(maskMessage(once)).toBe(once);
  });
});

const stack = `Error: inner shapes
    at assert (/app/node_modules/@tensorflow/tfjs-core/dist/tf-core.node.js:1:1)
    at matMul_ (/app/node_modules/@tensorflow/tfjs-core/dist/tf-core.node.js:2:1)
    at scores (file:///app/train.mjs:3:4)
    at Attention.apply (/app/node_modules/@tensorflow/tfjs-layers/dist/tf-layers.node.js:9:9)
    at file:///app/train.mjs:20:1`;

describe('failureOrigin', () => {
  it('names the innermost library function that is no assertion', () => {
    expect(failureOrigin(stack)).toBe('@tensorflow/tfjs-core:matMul_');
  });

  it('says user for the program itself', () => {
    expect(failureOrigin('Error: x\n    at main (file:///app/train.mjs:3:4)')).toBe('user');
  });

  it('names the runtime function that threw', () => {
    expect(
      failureOrigin('TypeError: x\n    at JSON.parse (<anonymous>)\n    at openSync (node:fs:1:1)'),
    ).not.toBe('');
  });
});

describe('callbackContext', () => {
  it('names the library that called the program back', () => {
    expect(callbackContext(stack)).toBe('in a callback of @tensorflow/tfjs-layers');
  });

  it('is empty for code that nobody called back', () => {
    expect(callbackContext('Error: x\n    at main (file:///app/train.mjs:3:4)')).toBe('');
  });
});

const crash: Signature = { kind: 'crash', name: 'Error', message: 'bad # thing', where: 'lib:f' };

describe('isSameFailure', () => {
  it('needs kind, name, message, place and context to be equal', () => {
    expect(isSameFailure(crash, { ...crash })).toBe(true);
    expect(isSameFailure({ ...crash, where: 'lib:g' }, crash)).toBe(false);
    expect(isSameFailure({ ...crash, context: 'the reference fails as well' }, crash)).toBe(false);
  });

  it('takes an uncaught error for the one that a program printed before it exited', () => {
    const reported: Signature = { kind: 'crash', name: 'exit code 1', message: 'bad # thing', where: '' };
    expect(isSameFailure(crash, reported)).toBe(true);
    expect(isSameFailure({ ...crash, message: 'other' }, reported)).toBe(false);
    expect(isSameFailure(reported, crash)).toBe(false);
    expect(isSameFailure({ ...reported, name: 'exit code 2' }, reported)).toBe(false);
  });

  it('finds a failure among the others of a run', () => {
    const nan: Signature = { kind: 'nan', name: 'Log', message: 'Log', where: 'read' };
    const verdict = {
      kind: 'nan' as const,
      signature: nan,
      message: '',
      also: [{ kind: 'crash' as const, signature: crash, message: '' }],
    };
    expect(showsFailure(verdict, crash)).toBe(true);
  });
});

it('makes folder names of signatures', () => {
  expect(signatureSlug(crash)).toBe('crash-error-bad-thing');
  expect(signatureSlug({ ...crash, message: 'x'.repeat(200) }).length).toBeLessThanOrEqual(48);
});

it('prints signatures', () => {
  expect(formatSignature(crash)).toBe('crash: Error: bad # thing (lib:f)');
});
