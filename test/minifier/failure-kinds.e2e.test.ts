import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { minifyProgram, type MinifyResult } from '../../src/minifier/minify-program.ts';
import { parseMinifyOptions, type MinifyFlagValues } from '../../src/minifier/options.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(resolve('.cache-kinds-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

async function minify(name: string, text: string, flags: MinifyFlagValues): Promise<MinifyResult> {
  const input = join(folder, name);
  writeFileSync(input, text);
  const values = {
    state: join(folder, `${name}-state`),
    output: join(folder, `${name}-out`),
    jobs: '1',
    ...flags,
  };
  return minifyProgram(parseMinifyOptions(input, [], values, folder)).result;
}

const textOf = (result: MinifyResult): string => Object.values(result.files).join('');

describe('minify --fail', () => {
  it('slow: asks what is slow', async () => {
    await expect(minify('none.cjs', '1;', { fail: 'slow' })).rejects.toMatchObject({ code: 'FG4002' });
  });

  it('slow: keeps what takes the time', async () => {
    const result = await minify(
      'slow.cjs',
      `const rows = [1, 2, 3].map((row) => row * 2);
       function wait(ms) { const end = Date.now() + ms; while (Date.now() < end); }
       if (rows.length === 3) wait(300);
       console.log(rows);`,
      { fail: 'slow', 'slow-ms': '200', budget: '25 trials' },
    );
    expect(result).toMatchObject({ isVerified: true, signature: { kind: 'slow' } });
    expect(result.sizeAfter).toBeLessThan(result.sizeBefore);
    expect(textOf(result)).toContain('while');
  });

  it('nan: ignores an exception that comes later', async () => {
    const result = await minify(
      'nan.mjs',
      `import * as tf from '@tensorflow/tfjs';
       const prices = tf.tensor([1, 2, 0]);
       const logs = prices.log();
       const shares = logs.div(logs.sum());
       console.log(shares.mean().dataSync()[0]);
       throw new Error('later');`,
      { fail: 'nan' },
    );
    expect(result).toMatchObject({ isVerified: true, signature: { kind: 'nan' } });
    expect(textOf(result)).not.toContain('later');
    expect(result.sizeAfter).toBeLessThan(40);
  });

  it('crash: gets through code that would exit, loop, eat memory or kill the process', async () => {
    const result = await minify(
      'wild.cjs',
      `let guard = 'set';
       const mode = 'throw';
       if (mode === 'exit') process.exit(3);
       if (mode === 'kill') process.kill(process.pid, 'SIGSEGV');
       while (mode === 'loop');
       for (const hoard = []; mode === 'bomb'; ) hoard.push(new Float64Array(1e6).fill(1));
       if (guard === 'set') throw new RangeError('the one');`,
      { timeout: '400', memory: '300' },
    );
    expect(result).toMatchObject({ isVerified: true, end: 'fixed-point' });
    expect(textOf(result)).toBe("throw RangeError('the one');\n");
    const patch = readFileSync(join(result.directory, 'diff.patch'), 'utf8');
    expect(patch).toContain('--- a/wild.cjs\n+++ b/wild.cjs\n');
  });

  it('crash: keeps a memory bomb, and its repro ends before the machine does', async () => {
    const result = await minify(
      'bomb.mjs',
      `const rows = ['a', 'b'];
       const kept = [];
       console.log(rows.length);
       while (rows.length === 2) kept.push(new Float64Array(1e6).fill(1));`,
      { memory: '300', budget: '20 trials' },
    );
    expect(result).toMatchObject({ isVerified: true, signature: { kind: 'crash', name: 'memory limit' } });
    expect(textOf(result)).toContain('while');
    expect(readFileSync(join(result.directory, 'start.mjs'), 'utf8')).toContain('300 * 2 ** 20');
  });
});
