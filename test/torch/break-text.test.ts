import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseBreakText, parseReason } from '../../src/torch/break-text.ts';
import { breakText } from './support/make-log.ts';

const site = { file: '/srv/model.py', line: 14, function: 'forward', code: 'if y.sum() > 0:' };

test('a break of today has all its parts', () => {
  const text = breakText(
    site,
    'Encountered graph break when attempting to trace CALL: a function call, e.g. f(x, y):\n\nFailed to trace builtin operator',
    {
      explanation: 'Dynamo does not know how\n\n      to trace it.',
      hints: ['Avoid it.\n    Really.', 'Use another.'],
      context: 'builtin print []',
      gb: '0059',
      outer: [['/srv/train.py', 3, '<module>', 'model(x)']],
    },
  );
  expect(parseBreakText(text)).toEqual({
    site: { file: '/srv/model.py', line: 14 },
    type: 'Failed to trace builtin operator',
    id: 'GB0059',
    url: 'https://meta-pytorch.github.io/compile-graph-break-site/gb/gb0059.html',
    explanation: 'Dynamo does not know how\n\n      to trace it.',
    hints: ['Avoid it.\n    Really.', 'Use another.'],
    context: 'builtin print []',
    tracing: 'CALL: a function call, e.g. f(x, y)',
    isSkip: false,
    frames: [
      {
        file: '/srv/model.py',
        line: 14,
        column: 1,
        function: 'forward',
        origin: 'user',
        code: 'if y.sum() > 0:',
      },
      { file: '/srv/train.py', line: 3, column: 1, function: '<module>', origin: 'user', code: 'model(x)' },
    ],
    nested: undefined,
  });
});

describe('other wordings', () => {
  test.each([
    [
      'a skip of today',
      breakText(
        site,
        'Failed to handle graph break gracefully. Skipping the function and falling back to eager. Graph break encountered:\n\nUnsupported context manager',
      ),
      'Unsupported context manager',
      14,
      true,
    ],
    [
      'a skip of 2.8',
      'Graph break: torch.compile cannot properly resume from this graph break, which results in a skip.\ntorch.compile will skip tracing the frame helper (/srv/model.py line 40) and fall back to eager.\nThe graph break occurred in the following user code:\n  File "/srv/model.py", line 42, in helper\n    with lock:\n\nTraceback (most recent call last):\ntorch._dynamo.exc.Unsupported: Unsupported context manager\n',
      'Unsupported context manager',
      42,
      true,
    ],
    [
      'a skip of 2.6',
      'Graph break: skip: from user code at:\n  File "/srv/model.py", line 5, in f\n    g()\nTraceback (most recent call last):\ntorch._dynamo.exc.Unsupported: call_function BuiltinVariable(print)\n',
      'call_function BuiltinVariable(print)',
      5,
      true,
    ],
    [
      'a suppressed stack',
      'Graph break (user stack suppressed due to duplicate graph break) in user code at /srv/model.py:7\nGraph Break Reason: Data-dependent branching\n  Explanation: No.\n',
      'Data-dependent branching',
      7,
      false,
    ],
    [
      'a reason of 2.5',
      'Graph break in user code at /srv/model.py:9\nReason: Unsupported: Tensor.item\nUser code traceback:\n  File "/srv/model.py", line 9, in f\n    x.item()\n',
      'Unsupported: Tensor.item',
      9,
      false,
    ],
    [
      'a path with spaces and colons',
      'Graph break in user code at C:\\my files\\a:b.py:3\nGraph Break Reason: X\n  Explanation: Y\n',
      'X',
      3,
      false,
    ],
  ])('%s', (_, text, type, line, isSkip) => {
    const parsed = parseBreakText(text);
    expect([parsed.type, parsed.site?.line, parsed.isSkip]).toEqual([type, line, isSkip]);
  });

  test('a second break while handling the first is kept apart', () => {
    const text = `${breakText(site, 'First')}\n*** While handling this graph break, another graph break occurred: ***\n\nSecond thing\n`;
    expect(parseBreakText(text)).toMatchObject({ type: 'First', nested: 'Second thing' });
  });

  test('a higher-order operator is not the kind of the break', () => {
    const text =
      'Graph break in user code at /a.py:1\nGraph Break Reason: Unsupported thing\n  Higher Order Operator: torch.cond\n  Explanation: E\n';
    expect(parseBreakText(text)).toMatchObject({ type: 'Unsupported thing', explanation: 'E' });
  });

  test('a bare reason has a kind and no place', () => {
    expect(parseReason("'skip function graph_break in file /srv/decorators.py'")).toMatchObject({
      type: "'skip function graph_break in file /srv/decorators.py'",
      site: undefined,
    });
    expect(parseReason('Dynamic shape operator\n  Explanation: E\n  Hint: H\n')).toMatchObject({
      type: 'Dynamic shape operator',
      hints: ['H'],
    });
  });
});

test('any text has a kind and never throws', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(parseBreakText(text).type).not.toBe('');
    }),
  );
});
