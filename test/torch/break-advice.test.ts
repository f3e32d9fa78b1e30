import { expect, test } from 'vitest';
import { advisedIds, hintsFor } from '../../src/torch/break-advice.ts';
import { torchBreakReasons } from '../../src/torch/break-reasons.ts';
import { parseBreakText } from '../../src/torch/break-text.ts';
import { breakText } from './support/make-log.ts';

const site = { file: '/srv/model.py', line: 14, function: 'forward', code: 'if y.sum() > 0:' };

function hints(type: string, more: Parameters<typeof breakText>[2] = {}): string[] {
  return hintsFor(parseBreakText(breakText(site, type, more)));
}

test.each([
  '0033',
  '0179',
  '0170',
  '0055',
  '0036',
  '0007',
  '0124',
  '0291',
  '0059',
  '0156',
  '0206',
  '0098',
  '0142',
  '0088',
])('GB%s, frequent in practice, has advice of its own', (gb) => {
  expect(hints('some words', { gb }).length).toBeGreaterThan(0);
});

test('each reason of `fullgraph why` has a remedy, and each remedy a reason', () => {
  for (const { id, title, explanation, hints: remedies } of torchBreakReasons) {
    expect(id).toMatch(/^GB\d{4}$/);
    expect([title, explanation].every((text) => text.length > 10 || title === 'Logging')).toBe(true);
    expect(remedies.length, id).toBeGreaterThan(0);
  }
  expect(torchBreakReasons.map((reason) => reason.id)).toEqual([...advisedIds].sort());
});

test('data-dependent branching names the condition and how to do without it', () => {
  const [first, second] = hints('Data-dependent branching', { gb: '0170' });
  expect(first).toContain('`if y.sum() > 0:`');
  expect(first).toContain('torch.where');
  expect(second).toContain('torch.cond');
});

test('a kind is known by its words where the log has no id', () => {
  expect(hints('Data-dependent branching')[0]).toContain('torch.where');
});

test.each([
  ["builtin print [<class 'x'>] False", 'reorderable_logging_functions'],
  ["builtin open [<class 'x'>] False", 'file or console access'],
  ["builtin sorted [<class 'x'>] False", 'Replace `sorted` by a torch operation'],
])('the builtin in %s gets its own advice', (context, words) => {
  expect(hints('Failed to trace builtin operator', { gb: '0059', context }).join('\n')).toContain(words);
});

test('hints of PyTorch that say what to do stay, behind ours; empty ones go', () => {
  const all = hints('Data-dependent branching', {
    gb: '0170',
    hints: [
      'Use `torch.cond` to express dynamic control flow.',
      'Please report an issue to PyTorch.',
      'This graph break is fundamental - it is unlikely that Dynamo will ever be able to trace through your code.',
    ],
  });
  expect(all.at(-1)).toBe('Use `torch.cond` to express dynamic control flow.');
  expect(all.join('\n')).not.toMatch(/report an issue|fundamental/);
});

test('an unknown kind has the hints of PyTorch', () => {
  expect(hints('Something new', { gb: '9999', hints: ['Do this.'] })).toEqual(['Do this.']);
});

test('a skipped function hears that it could not be resumed', () => {
  const skip =
    'Failed to handle graph break gracefully. Skipping the function and falling back to eager. Graph break encountered:\n\nUnsupported context manager';
  expect(hints(skip, { gb: '0142' }).join('\n')).toContain('could not even resume');
});
