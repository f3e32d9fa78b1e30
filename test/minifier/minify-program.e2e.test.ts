import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MinifyRecord } from '../../src/ir/record.ts';
import { minifyProgram, type MinifyResult } from '../../src/minifier/minify-program.ts';
import { parseMinifyOptions, type MinifyFlagValues } from '../../src/minifier/options.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(resolve('.cache-minify-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

async function minify(
  input: string,
  name: string,
  flags: MinifyFlagValues,
  signal?: AbortSignal,
): Promise<{ result: MinifyResult; records: MinifyRecord[] }> {
  const values = { state: join(folder, `${name}-state`), output: join(folder, name), jobs: '1', ...flags };
  const run = minifyProgram(parseMinifyOptions(input, [], values, process.cwd()), signal ? { signal } : {});
  const records: MinifyRecord[] = [];
  for await (const record of run) records.push(record);
  return { result: await run.result, records };
}

const statementsOf = (result: MinifyResult): string[] =>
  Object.values(result.files)
    .join('')
    .split('\n')
    .filter((line) => line.trim() !== '');

/** Results of whole runs, by fixture: several tests look at one run. */
const results = new Map<string, MinifyResult>();

const fixtures: readonly (readonly [name: string, input: string, flags: MinifyFlagValues, needs: string])[] =
  [
    [
      'a wasm kernel that differs from cpu',
      'gesture-clips/program.mjs',
      { backend: 'wasm', reference: 'cpu' },
      'maxPool3d',
    ],
    ['a kernel that wasm lacks', 'photo-index/program.mjs', { backend: 'wasm', reference: 'cpu' }, 'einsum'],
    [
      'a wasm op that throws, reported and exited',
      'document-scan/program.cjs',
      { backend: 'wasm', reference: 'cpu' },
      'threshold',
    ],
    ['a shape error deep in a custom layer', 'translator/program.ts', {}, 'matMul'],
    ['a NaN loss', 'click-rates/program.mjs', { fail: 'nan' }, 'tf.'],
  ];

describe('minifyProgram', () => {
  it.each(fixtures)(
    'reduces %s to at most ten lines that fail in the same way',
    async (_, input, flags, needs) => {
      const name = input.split('/')[0]!;
      const { result, records } = await minify(join('fixtures/failing', input), name, flags);
      results.set(name, result);
      expect(result).toMatchObject({ isVerified: true, end: 'fixed-point', rate: 1 });
      expect(statementsOf(result).length).toBeLessThanOrEqual(10);
      expect(Object.values(result.files).join('')).toContain(needs);
      expect(records.slice(0, 2).map(({ kind }) => kind)).toEqual(['minify-start', 'minify-best']);
      expect(records.at(-1)).toMatchObject({
        kind: 'minify-end',
        verified: true,
        directory: result.directory,
      });
      const readme = readFileSync(join(result.directory, 'README.md'), 'utf8');
      expect(readme).toContain('@tensorflow/tfjs | 4.22.0');
      expect(readme.includes('Judged by double precision: off by')).toBe(result.signature.kind === 'diverge');
      const manifest = JSON.parse(readFileSync(join(result.directory, 'package.json'), 'utf8')) as {
        dependencies: object;
      };
      expect(manifest.dependencies).toHaveProperty('@tensorflow/tfjs', '4.22.0');
      const again = spawnSync(process.execPath, ['repro.mjs'], { cwd: result.directory, encoding: 'utf8' });
      expect(again.status).toBe(1);
      expect(again.stdout).toContain('FAIL');
    },
  );

  it('keeps the layer that a shape error comes from', () => {
    const text = Object.values(results.get('translator')!.files).join('');
    expect(text).toMatch(/extends tf\.layers\.Layer[^]*matMul/);
  });

  it('gives the same for any number of jobs', async () => {
    const { result } = await minify('fixtures/failing/gesture-clips/program.mjs', 'jobs-3', {
      jobs: '3',
      backend: 'wasm',
      reference: 'cpu',
    });
    const alone = results.get('gesture-clips')!;
    expect(result.files).toEqual(alone.files);
    expect(result.trials).toBe(alone.trials);
  });

  it('works on programs without tensors, by command', async () => {
    const input = join(folder, 'words.cjs');
    writeFileSync(
      input,
      `const words = 'the quick brown fox jumps'.split(' ');
       function longest(list) { let best = ''; for (const word of list) { if (word.length > best.length) best = word; } return best; }
       function unused() { return words.map((word) => word.toUpperCase()); }
       if (words.length > 100) unused();
       console.log(longest(words));
       console.log('total', words.join('').length);`,
    );
    const { result } = await minify(input, 'words', { fail: `custom:node words.cjs | grep -q 'total 21'` });
    expect(result.isVerified).toBe(true);
    expect(Object.values(result.files)).toEqual(["console.log('total', 21);\n"]);
  });

  it('measures a flaky failure and still gets to its core', async () => {
    const input = join(folder, 'flaky.mjs');
    writeFileSync(
      input,
      `const pages = [1, 2, 3];
       function load(page) { return { page, size: page * 10 }; }
       const loaded = pages.map(load);
       if (globalThis.crypto.getRandomValues(new Uint8Array(1))[0] < 128) throw new Error('lost page');
       console.log(loaded.length);`,
    );
    const { result } = await minify(input, 'flaky', { fail: 'crash' });
    expect(result.rate).toBeLessThan(1);
    expect(result.sizeAfter).toBeLessThan(20);
    expect(Object.values(result.files).join('')).toContain('lost page');
  });

  it('reduces a hang', async () => {
    const input = join(folder, 'hang.mjs');
    writeFileSync(
      input,
      `const queue = [3, 5];
       function drain(list) { while (list.length > 0) if (list[0] < 4) list.shift(); }
       drain(queue);`,
    );
    const { result } = await minify(input, 'hang', { timeout: '250' });
    expect(result).toMatchObject({ isVerified: true, signature: { kind: 'hang' } });
    expect(result.sizeAfter).toBeLessThan(12);
  });

  it('says so when the program does not fail', async () => {
    const input = join(folder, 'fine.mjs');
    writeFileSync(input, 'console.log(1);');
    await expect(minify(input, 'fine', {})).rejects.toMatchObject({ code: 'FG4004' });
  });

  it('says so when a folder cannot be written, and keeps what was found', async () => {
    const input = join(folder, 'bad.mjs');
    writeFileSync(input, 'const a = [1]; a.b.c;');
    await expect(minify(input, 'bad', { state: '/dev/null/x' })).rejects.toMatchObject({ code: 'FG4003' });
    await expect(minify(input, 'bad', { output: '/dev/null/x' })).rejects.toMatchObject({ code: 'FG4006' });
    expect(existsSync(join(folder, 'bad-state', 'best'))).toBe(true);
  });

  it('ends with the program as it was given when interrupted at once', async () => {
    const controller = new AbortController();
    const values = { state: join(folder, 'at-once-state'), output: join(folder, 'at-once'), jobs: '1' };
    const options = parseMinifyOptions('fixtures/failing/translator/program.ts', [], values, process.cwd());
    const run = minifyProgram(options, { signal: controller.signal });
    for await (const record of run) if (record.kind === 'minify-best') controller.abort();
    const result = await run.result;
    expect(result).toMatchObject({ end: 'interrupted', trials: 0, sizeAfter: result.sizeBefore });
  });

  it('ends with the best so far when interrupted', async () => {
    const controller = new AbortController();
    const values = { state: join(folder, 'abort-state'), output: join(folder, 'abort'), jobs: '1' };
    const options = parseMinifyOptions('fixtures/failing/translator/program.ts', [], values, process.cwd());
    const run = minifyProgram(options, { signal: controller.signal });
    let accepted = 0;
    for await (const record of run) {
      if (record.kind === 'minify-best' && ++accepted === 5) controller.abort();
    }
    const result = await run.result;
    expect(result).toMatchObject({ end: 'interrupted', isVerified: true });
    expect(result.sizeAfter).toBeLessThan(result.sizeBefore);
  });

  it('after kill -9, resumes to the same result', async () => {
    const input = 'fixtures/failing/translator/program.ts';
    const flags = { budget: '150 trials' };
    const whole = await minify(input, 'whole', flags);
    const state = join(folder, 'killed-state');
    const script = `import { minifyProgram } from './src/minifier/minify-program.ts';
      import { parseMinifyOptions } from './src/minifier/options.ts';
      const values = ${JSON.stringify({ ...flags, state, output: join(folder, 'killed'), jobs: '1' })};
      for await (const record of minifyProgram(parseMinifyOptions(${JSON.stringify(input)}, [], values, process.cwd()))) process.stdout.write(record.kind + '\\n');`;
    const file = join(folder, 'run.mts');
    writeFileSync(file, script.replaceAll("'./src/", `'${process.cwd()}/src/`));
    const child = spawn(process.execPath, ['--import', 'tsx', file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let trials = 0;
    await new Promise<void>((done) => {
      child.stdout.on('data', (chunk: Buffer) => {
        trials += chunk.toString().split('minify-trial').length - 1;
        if (trials >= 50) child.kill('SIGKILL');
      });
      child.once('exit', () => {
        done();
      });
    });
    expect(existsSync(join(folder, 'killed'))).toBe(false);
    const journal = readFileSync(join(state, 'journal.jsonl'), 'utf8').split('\n').length;
    expect(journal).toBeGreaterThan(30);
    const { result, records } = await minify(input, 'killed', { ...flags, state, resume: true });
    expect(result.files).toEqual(whole.result.files);
    expect(result.trials).toBe(whole.result.trials);
    expect(result.oracleCalls).toBeLessThan(whole.result.oracleCalls - 30);
    expect(records.at(-1)).toMatchObject({ verified: true });
  });
});
