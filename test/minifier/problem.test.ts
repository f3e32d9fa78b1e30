import { describe, expect, it } from 'vitest';
import type { JournalEntry } from '../../src/minifier/journal.ts';
import type { Oracle } from '../../src/minifier/oracle.ts';
import { compareSortKeys, Stopped, type Domain } from '../../src/minifier/problem.ts';
import { passed } from '../../src/minifier/verdict.ts';
import { failing, failure, predicateOracle, problemFor } from './support.ts';

/** Test cases are strings; shorter is smaller. */
const strings: Domain<string> = {
  unit: 'tokens',
  size: (text) => text.length,
  sortKey: (text) => [text.length],
  hash: (text) => text,
  text: (text) => text,
  files: (text) => ({ 'best.txt': text }),
};

const candidates = (...texts: string[]): { testCase: string }[] => texts.map((testCase) => ({ testCase }));
const hasX = (text: string): boolean => text.includes('x');

describe('Problem', () => {
  it('takes the first failing candidate in order, whatever answers first', async () => {
    for (const jobs of [1, 2, 4]) {
      let delay = 30;
      const oracle = predicateOracle(hasX, () => (delay -= 8));
      const problem = problemFor('abcdefx', oracle, strings, { jobs });
      const hit = await problem.firstFailing('p', candidates('abc', 'abx', 'x'));
      expect(hit?.testCase).toBe('abx');
      expect(problem.best).toBe('abx');
      expect(problem.trials).toBe(2);
    }
  });

  it('never takes a candidate that is not smaller', async () => {
    const problem = problemFor('ax', predicateOracle(hasX), strings);
    expect(await problem.firstFailing('p', candidates('bx', 'xxx', 'ax'))).toBeUndefined();
    expect(problem.trials).toBe(0);
  });

  it('asks the oracle once per candidate', async () => {
    let calls = 0;
    const oracle: Oracle<string> = { judge: async () => (calls++, passed), close: async () => {} };
    const problem = problemFor('abcx', oracle, strings);
    await problem.firstFailing('p', candidates('abc', 'ab'));
    await problem.firstFailing('q', candidates('abc', 'ab'));
    expect(calls).toBe(2);
  });

  it('does not take trouble of the harness for the failure, nor remembers it', async () => {
    let calls = 0;
    const oracle: Oracle<string> = {
      judge: async () => (calls++ === 0 ? { kind: 'harness', message: 'no worker' } : failing),
      close: async () => {},
    };
    const problem = problemFor('abcx', oracle, strings);
    expect(await problem.accepts('p', 'x')).toBe(false);
    expect(await problem.accepts('p', 'x')).toBe(true);
  });

  it('keeps a different failure as a slip', async () => {
    const other = { kind: 'hang' as const, name: 'time limit', message: '', where: '' };
    const oracle: Oracle<string> = {
      judge: async () => ({ kind: 'hang', signature: other, message: 'does not end' }),
      close: async () => {},
    };
    const problem = problemFor('abcx', oracle, strings);
    await problem.firstFailing('p', candidates('abc', 'ab'));
    expect(problem.best).toBe('abcx');
    expect(problem.slips).toMatchObject([{ signature: other, count: 2, testCase: 'ab' }]);
  });

  it('says which of the trials at once each one was', async () => {
    const workers: (number | undefined)[] = [];
    const problem = problemFor('abcdefgh', predicateOracle(hasX), strings, {
      jobs: 3,
      onRecord: (record) => {
        if (record.kind === 'minify-trial') workers.push(record.worker);
      },
    });
    await problem.firstFailing('p', candidates('a', 'b', 'c', 'd', 'e', 'a'));
    expect(new Set(workers.slice(0, 5))).toEqual(new Set([1, 2, 3]));
    expect(workers).toHaveLength(6);
  });

  it('waits at the gate with each trial', async () => {
    let calls = 0;
    let open: () => void = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const oracle: Oracle<string> = { judge: async () => (calls++, passed), close: async () => {} };
    const problem = problemFor('abcx', oracle, strings, { gate: () => gate });
    const search = problem.firstFailing('p', candidates('abc', 'ab'));
    await new Promise(setImmediate);
    expect(calls).toBe(0);
    open();
    await search;
    expect(calls).toBe(2);
  });

  it('stops at the trial budget, in the same place for any number of jobs', async () => {
    for (const jobs of [1, 3]) {
      const problem = problemFor(
        'abcdefghx',
        predicateOracle(() => false),
        strings,
        { jobs, budget: { maxTrials: 3 } },
      );
      const run = problem.firstFailing('p', candidates('a', 'b', 'c', 'd', 'e', 'f'));
      await expect(run).rejects.toMatchObject({ reason: 'budget' });
      expect(problem.trials).toBe(3);
    }
  });

  it('stops soon when interrupted, although a trial hangs', async () => {
    const controller = new AbortController();
    const oracle: Oracle<string> = { judge: () => new Promise(() => {}), close: async () => {} };
    const problem = problemFor('abx', oracle, strings, { signal: controller.signal });
    const run = problem.accepts('p', 'x');
    controller.abort();
    await expect(run).rejects.toBeInstanceOf(Stopped);
  });

  it('asks again for a flaky failure once it is thorough', async () => {
    let calls = 0;
    const oracle: Oracle<string> = {
      judge: async () => (++calls % 4 === 0 ? failing : passed),
      close: async () => {},
    };
    const problem = problemFor('abcx', oracle, strings, { thoroughRuns: 4 });
    expect(await problem.accepts('p', 'x')).toBe(false);
    expect(problem.beThorough()).toBe(true);
    expect(await problem.accepts('p', 'x')).toBe(true);
  });

  it('goes back to what fails in fresh processes when warm ones deceived it', async () => {
    const oracle: Oracle<string> = {
      judge: async (text, options) =>
        options?.cold === true ? (text.includes('ab') ? failing : passed) : failing,
      close: async () => {},
    };
    const problem = problemFor('abcdx', oracle, strings, { isWarm: true });
    expect(await problem.accepts('p', 'abcd')).toBe(true);
    expect(await problem.checkpoint()).toBe(true);
    expect(await problem.accepts('p', 'c')).toBe(true);
    expect(await problem.checkpoint()).toBe(false);
    expect(problem.best).toBe('abcd');
    expect(await problem.accepts('p', 'c')).toBe(false);
    expect(await problem.accepts('p', 'ab')).toBe(true);
  });

  it('answers from a journal without asking', async () => {
    const entries: JournalEntry[] = [];
    const journal = {
      replayed: [],
      append: (entry: JournalEntry) => entries.push(entry),
      saveBest: () => {},
    };
    const first = problemFor('abcx', predicateOracle(hasX), strings, { journal });
    await first.firstFailing('p', candidates('abc', 'ax'));
    const silent: Oracle<string> = { judge: () => Promise.reject(new Error('asked')), close: async () => {} };
    const second = problemFor('abcx', silent, strings, { journal: { ...journal, replayed: entries } });
    await second.firstFailing('p', candidates('abc', 'ax'));
    expect(second.best).toBe(first.best);
    expect(second.trials).toBe(first.trials);
    expect(second.oracleCalls).toBe(0);
  });

  it('remembers the candidates next to the best that pass', async () => {
    const problem = problemFor('abcx', predicateOracle(hasX), strings);
    await problem.firstFailing('p', candidates('abc', 'ax', 'a'));
    await problem.firstFailing('p', candidates('a'));
    expect(problem.passingNeighbours).toEqual(['a']);
    expect(problem.expected).toBe(failure);
  });
});

it('compares sort keys from the left', () => {
  expect(compareSortKeys([1, 9], [2, 0])).toBeLessThan(0);
  expect(compareSortKeys([1, 2], [1, 2])).toBe(0);
  expect(compareSortKeys([1], [1, 1])).toBeLessThan(0);
});
