import { describe, expect, test } from 'vitest';
import { analyzeSource } from '../../src/capture/source-facts.ts';

/** Position of the mark `▸` in a program, and the program without it. */
function marked(text: string): { text: string; line: number; column: number } {
  const offset = text.indexOf('▸');
  const before = text.slice(0, offset).split('\n');
  return { text: text.replace('▸', ''), line: before.length, column: before.at(-1)!.length + 1 };
}

function factsAt(program: string, file = 'train.ts'): unknown {
  const { text, line, column } = marked(program);
  return analyzeSource(text, file)!.at(line, column);
}

describe('analyzeSource', () => {
  test.each([
    [
      'tells what a call is given',
      'const y = tf.▸mul(w, this.rate * 2);',
      { receiver: 'tf', callee: 'mul', operands: ['w', 'this.rate * 2'] },
    ],
    ['names what a method is called on', 'loss.▸dataSync();', { receiver: 'loss', callee: 'dataSync' }],
    [
      'names the variable through await and element access',
      'const best: number = (await loss.▸data())[0];',
      { target: 'best', callee: 'data' },
    ],
    ['names a property that is assigned', 'this.mean = x.▸mean();', { target: 'this.mean' }],
    ['finds the loop', 'for (const x of xs) {\n  x.▸print();\n}', { loop: { kind: 'for...of', line: 1 } }],
    [
      'takes a callback of map as a loop',
      'xs.map((x) => x.▸dataSync());',
      { loop: { kind: 'map callback', line: 1 } },
    ],
    [
      'finds the condition that holds the read',
      'if (loss.▸dataSync()[0] < 1) stop();',
      { branch: { text: 'loss.dataSync()[0] < 1', line: 1 } },
    ],
    [
      'finds the later condition that uses the variable',
      'function f() {\n  const [v] = loss.▸dataSync();\n  if (v > 3) g();\n}',
      { branch: { text: 'v > 3', line: 3 }, function: 'f' },
    ],
  ])('%s', (_title, program, expected) => {
    expect(factsAt(program)).toMatchObject(expected);
  });

  test('a function between the loop and the call ends the search', () => {
    expect(factsAt('for (;;) {\n  later(() => x.▸dataSync());\n}')).not.toHaveProperty('loop');
  });

  test('a plain script that is no module has facts', () => {
    expect(factsAt('var await = 1; x.▸print();', 'a.js')).toMatchObject({ receiver: 'x' });
  });

  test('a file that does not parse has none', () => {
    expect(analyzeSource('let let = ;', 'a.js')).toBeUndefined();
  });

  test('a position without a call has none', () => {
    expect(factsAt('const ▸x = 1;')).toEqual({});
  });
});
