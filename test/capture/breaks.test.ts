import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runInThisContext } from 'node:vm';
import { Tensor } from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createFrameResolver } from '../../src/host/frames.ts';
import { breakReasons, findBreakReason } from '../../src/ir/breaks/index.ts';
import { userFrame } from '../../src/ir/span.ts';
import { recordsOf, runCaptured, type Captured, type Tf } from './support/run-captured.ts';

const folder = mkdtempSync(join(tmpdir(), 'fullgraph-breaks-'));
beforeAll(() => {
  vi.spyOn(console, 'log').mockReturnValue();
  vi.spyOn(console, 'warn').mockReturnValue();
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs the body of a program that lies in a file, so that its text can be looked at. */
async function runBody(name: string, body: string): Promise<Captured> {
  const file = join(folder, `${name}.js`);
  const text = `(async function program(tf) {\n${body}\n})`;
  writeFileSync(file, text);
  const program = runInThisContext(text, { filename: file }) as (tf: Tf) => Promise<unknown>;
  const frames = createFrameResolver({
    ownRoot: fileURLToPath(new URL('../../src/', import.meta.url)),
    instrument: true,
    onSource: () => undefined,
  });
  let result: unknown;
  return runCaptured(
    async (tf) => {
      result = await program(tf);
      await tf.setBackend('cpu');
    },
    { frames },
    (session) => {
      if (result instanceof Tensor) session.flush();
    },
  );
}

function reasonsIn({ records }: Captured): string[] {
  return recordsOf(records, 'break').map((record) => record.reason);
}

describe('break reasons', () => {
  it.each(breakReasons.map((reason) => [reason.id, reason] as const))(
    '%s: the bad program breaks for it, at one line',
    async (id, reason) => {
      const { records } = await runBody(`${reason.slug}-bad`, reason.bad);
      const found = recordsOf(records, 'break').filter((record) => record.reason === id);
      expect(new Set(found.map((record) => record.stack)).size).toBe(1);
    },
  );

  it.each(breakReasons.flatMap((reason) => (reason.good === undefined ? [] : [[reason.id, reason.good]])))(
    '%s: the good program does not',
    async (id, good) => {
      const { slug } = findBreakReason(id)!;
      expect(reasonsIn(await runBody(`${slug}-good`, good))).toEqual([]);
    },
  );
});

describe('a break record', () => {
  it('says which tensor was read where, and what the number decided', async () => {
    const { records } = await runBody(
      'branch',
      [
        'let loss = tf.scalar(3).square();',
        'if (loss.dataSync()[0] > 2) {',
        '  loss = loss.mul(2);',
        '}',
        'return loss;',
      ].join('\n'),
    );
    const [record] = recordsOf(records, 'break');
    expect(record).toMatchObject({
      reason: 'FG1001',
      tensor: 'loss',
      api: 'dataSync',
      type: { dtype: 'float32', shape: [] },
      sizeBytes: 4,
      isInLoop: false,
      branch: 'loss.dataSync()[0] > 2',
    });
    const stack = recordsOf(records, 'stack').find(({ id }) => id === record!.stack)!;
    expect(userFrame(stack.frames)).toMatchObject({ line: 3, function: 'program' });
    expect(stack.frames.every(({ file }) => !file.includes('/src/capture/'))).toBe(true);
  });

  it('names the nodes of a graph after variables, and knows their lines', async () => {
    const { records } = await runBody(
      'names',
      ['const x = tf.tensor1d([1, 2]);', 'const attention = x.square();', 'return attention.sum();'].join(
        '\n',
      ),
    );
    const [graph] = recordsOf(records, 'graph');
    expect(graph!.text).toContain('attention: float32[2] = Square(');
    expect(graph!.name).toBe('program');
    const origin = graph!.origins!.find(({ node }) => node === 'attention')!;
    const stack = recordsOf(records, 'stack').find(({ id }) => id === origin.stack)!;
    expect(userFrame(stack.frames)?.line).toBe(3);
  });

  it('counts a line that breaks again as one in a loop, even when its text has none', async () => {
    const captured = await runBody(
      'repeated',
      [
        'const read = (n) => tf.scalar(n).square().dataSync()[0];',
        'const results = [];',
        'read(1);',
        'read(2);',
      ].join('\n'),
    );
    expect(reasonsIn(captured)).toEqual(['FG1001', 'FG1004']);
  });
});

describe('asynchronous methods of models', () => {
  it('break at the line that called them, also after they awaited something', async () => {
    const { records } = await runBody(
      'fit',
      [
        'const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [2] })] });',
        "model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });",
        'const [x, y] = [tf.ones([8, 2]), tf.ones([8, 1])];',
        'await model.fit(x, y, { batchSize: 4, epochs: 2 });',
      ].join('\n'),
    );
    const breaks = recordsOf(records, 'break');
    expect(breaks.map(({ reason }) => reason)).toContain('FG1011');
    const lines = breaks.map((record) => {
      const stack = recordsOf(records, 'stack').find(({ id }) => id === record.stack)!;
      return userFrame(stack.frames)?.line;
    });
    expect(lines).toEqual(breaks.map(() => 5));
  });
});

describe('strict sessions', () => {
  it('raise the first break as an error that explains itself', async () => {
    const { log } = await runCaptured(
      (tf, write) => {
        try {
          tf.tensor1d([1, 2]).square().dataSync();
        } catch (error) {
          write(error);
        }
      },
      { strict: true },
    );
    expect(log).toEqual([
      [
        'GraphBreakError',
        expect.stringMatching(
          /^graph break \(Synchronous read\): `dataSync\(\)` asks for the numbers of a float32\[2\]/,
        ),
      ],
    ]);
  });
});

describe('a tensor in a template', () => {
  it('is printed, whatever call stands in it', async () => {
    const { records } = await runBody('template', 'return `${tf.scalar(2).square()}`;');
    expect(recordsOf(records, 'break')[0]).toMatchObject({ reason: 'FG1003', api: 'toString' });
  });
});

describe('numbers', () => {
  it('have the names of their own place where several places begin alike', async () => {
    const { records } = await runBody(
      'places',
      `const x = tf.ones([4]);
       const [first, second] = [0.1, 0.2];
       x.mul(first).sum().dataSync();
       x.mul(second).max().dataSync();`,
    );
    const names = recordsOf(records, 'graph').map(({ inputs }) => inputs.map(({ name }) => name));
    expect(names).toEqual([
      ['x', 'first'],
      ['x', 'second'],
    ]);
  });

  it('have the names that the text has for them', async () => {
    const { records } = await runBody(
      'rates',
      `const model = { rate: 0.5 };
       tf.ones([4]).mul(model.rate).sub(0.25).sum().dataSync();`,
    );
    const names = recordsOf(records, 'graph').flatMap(({ inputs }) => inputs.map(({ name }) => name));
    expect(names).toEqual(['x', 'model_rate', 'c']);
  });
});

describe('nodes', () => {
  it('lie in the functions and layers that they were called in', async () => {
    const { records } = await runBody(
      'layers',
      `const block = tf.sequential({ name: 'block', layers: [tf.layers.dense({ units: 4, inputShape: [8], name: 'up' })] });
       const model = tf.sequential({ name: 'net', layers: [block, tf.layers.dense({ units: 2, name: 'head' })] });
       function infer() { return model.apply(tf.ones([3, 8])); }
       const y = infer();
       const z = y.relu();
       z.dataSync();`,
    );
    const scopes = recordsOf(records, 'graph').flatMap(({ origins }) =>
      (origins ?? []).map(({ scope }) => scope?.slice(scope.indexOf('program')).join(' > ')),
    );
    // A model inside of a model is taken apart by tfjs.
    expect(new Set(scopes)).toEqual(
      new Set(['program > infer > net > up', 'program > infer > net > head', 'program']),
    );
  });

  it('lie in a layer of the program’s own, and in its functions in that', async () => {
    const { records } = await runBody(
      'own-layer',
      `class Twice extends tf.layers.Layer {
         static className = 'Twice';
         computeOutputShape(shape) { return shape; }
         call(x) { return double(Array.isArray(x) ? x[0] : x); }
       }
       function double(x) { return x.mul(2); }
       const model = tf.sequential({
         name: 'net',
         layers: [tf.layers.dense({ units: 4, inputShape: [8], name: 'up' }), new Twice({ name: 'twice' })],
       });
       function infer() { return model.apply(tf.ones([3, 8])); }
       infer().dataSync();`,
    );
    const scopes = recordsOf(records, 'graph').flatMap(({ origins }) =>
      (origins ?? []).map(({ scope }) => scope?.slice(scope.indexOf('program')).join(' > ')),
    );
    expect(new Set(scopes)).toEqual(
      new Set(['program > infer > net > up', 'program > infer > net > twice > call > double']),
    );
  });

  it('of parts of a pattern are named after their op', async () => {
    const { records } = await runBody(
      'pattern',
      `const w = tf.variable(tf.ones([2]));
       const { value, grads } = tf.variableGrads(() => w.square().sum());
       value.dataSync();`,
    );
    const names = recordsOf(records, 'graph').flatMap(({ origins }) =>
      (origins ?? []).map(({ node }) => node),
    );
    expect(names).toContain('square');
    expect(names.filter((name) => name.includes('value') || name.includes('grads'))).toEqual([]);
  });
});
