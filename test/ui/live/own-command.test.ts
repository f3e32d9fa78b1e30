import { describe, expect, test } from 'vitest';
import { editorWords } from '../../../src/cli/interactive/editor.ts';
import { wordsOf } from '../../../src/cli/interactive/inspect-search.ts';
import { complaintOf } from '../../../src/cli/interactive/own-command.ts';

describe('words of a command', () => {
  test('say again what was parsed, without what the UI adds itself', () => {
    const values = { interactive: true, json: true, backend: 'wasm', jobs: 2, resume: true, freeze: false };
    expect(wordsOf({ ...values, output: undefined }, ['a.mjs'], ['--epochs', '3'])).toEqual([
      '--backend=wasm',
      '--jobs=2',
      '--resume',
      '--no-freeze',
      'a.mjs',
      '--',
      '--epochs',
      '3',
    ]);
  });

  test('keep a value that looks like a flag', () => {
    expect(wordsOf({ fail: 'custom:node -e 1' }, ['-'], [])).toEqual(['--fail=custom:node -e 1', '-']);
  });
});

test.each([
  ['vim', ['vim', '+7', '/a b.ts']],
  ['emacs -nw', ['emacs', '-nw', '+7', '/a b.ts']],
  ['code --wait', ['code', '--wait', '--goto', '/a b.ts:7']],
  ['/usr/bin/cursor', ['/usr/bin/cursor', '--goto', '/a b.ts:7']],
])('an editor is told the line in its own way: %s', (editor, words) => {
  expect(editorWords(editor, '/a b.ts', 7)).toEqual(words);
});

describe('a complaint', () => {
  test('is the error and what to do about it', () => {
    const stderr = 'onnxruntime: fails\nerror FG4004: it does not fail\n  fix: Give inputs.\n';
    expect(complaintOf(stderr)).toBe('error FG4004: it does not fail · fix: Give inputs.');
  });

  test('is the last line of what is no error of ours', () => {
    expect(complaintOf('one\ntwo\n\n')).toBe('two');
    expect(complaintOf('')).toBe('');
  });
});
