import { describe, expect, it } from 'vitest';
import { sourceDomain } from '../../src/minifier/source/source-tree.ts';
import { formatTree } from '../../src/minifier/repro/format.ts';
import { tree } from './support.ts';

const format = (text: string): string => sourceDomain.text(formatTree(tree(text)));

describe('formatTree', () => {
  it('writes objects that fit on one line', () => {
    expect(format('f({ a: 1, b: { c: [2] } });')).toBe('f({ a: 1, b: { c: [2] } });\n');
  });

  it('writes what fits of an object that does not', () => {
    const names = Array.from({ length: 20 }, (_, index) => `property${index}: { v: ${index} }`);
    const lines = format(`f({ ${names.join(', ')} });`).split('\n');
    expect(lines).toHaveLength(23);
    expect(lines[1]).toBe('  property0: { v: 0 },');
  });

  it('leaves functions and template literals alone', () => {
    const text = 'f({\n  a() {\n    return 1;\n  }\n}, {\n  b: `x\n  y`\n});\n';
    expect(format(text)).toBe(text);
  });
});
