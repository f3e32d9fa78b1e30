/** Programs laid out as real ones are: their own tsconfig, decorators, bundles, old versions, sudden ends. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createProject, type Project } from './support/project.ts';
import { root } from './support/reports.ts';

let project: Project;

beforeAll(() => {
  project = createProject();
});

afterAll(() => project.remove());

describe('a program in TypeScript', () => {
  test('has the tsconfig beside it, wherever it is started from', () => {
    const config = { compilerOptions: { baseUrl: '.', paths: { '@lib/*': ['lib/*'] } } };
    for (const ending of ['ts', 'cts']) {
      const app = `packages/${ending}`;
      project.write(`${app}/tsconfig.json`, JSON.stringify(config));
      project.write(`${app}/package.json`, '{ "type": "module" }');
      project.write(`${app}/lib/two.${ending}`, 'export const two: number = 2;\n');
      project.write(
        `${app}/main.${ending}`,
        `import * as tf from '@tensorflow/tfjs';\nimport { two } from '@lib/two.${ending}';\n` +
          `console.log(tf.ones([2]).mul(two).sum().dataSync()[0], process.env['TSX_TSCONFIG_PATH']);\n`,
      );
      const { status, stdout } = project.fullgraph(['run', `${app}/main.${ending}`]);
      expect({ status, stdout }).toEqual({ status: 0, stdout: '4 undefined\n' });
    }
  });

  test('may decorate parameters', () => {
    project.write(
      'decorated/tsconfig.json',
      JSON.stringify({ compilerOptions: { experimentalDecorators: true } }),
    );
    project.write(
      'decorated/main.mts',
      `import * as tf from '@tensorflow/tfjs';
      const seen: number[] = [];
      function at(_target: object, _key: string, index: number): void { seen.push(index); }
      class Net { call(x: tf.Tensor, @at scale: number) { return x.mul(scale).sum().dataSync()[0]; } }
      console.log(new Net().call(tf.ones([3]), 2), seen);\n`,
    );
    const { status, stdout } = project.fullgraph(['explain', 'decorated/main.mts']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^6 \[ 1 \]\n/);
    expect(stdout).toContain('decorated/main.mts:4:');
  });
});

describe('a program with tfjs inside its bundle', () => {
  beforeAll(() => {
    buildSync({
      stdin: {
        contents: `import '@tensorflow/tfjs-backend-cpu'; import * as tf from '@tensorflow/tfjs-core';
          console.log(tf.ones([2]).dataSync().length);`,
        resolveDir: root,
      },
      bundle: true,
      // The packages do not name all of their modules with side effects.
      ignoreAnnotations: true,
      platform: 'node',
      outfile: join(project.folder, 'bundle.cjs'),
      logLevel: 'silent',
    });
  });

  test('runs, and is told that nothing was captured', () => {
    const { status, stdout, stderr } = project.fullgraph(['run', 'bundle.cjs']);
    expect({ status, stdout }).toEqual({ status: 0, stdout: '2\n' });
    expect(stderr).toContain('fullgraph: the program has TensorFlow.js inside its own bundle');
  });

  test('has nothing to explain', () => {
    const { status, stderr } = project.fullgraph(['explain', 'bundle.cjs']);
    expect(status).toBe(2);
    expect(stderr).toMatch(
      /^error FG5028: bundle\.cjs has TensorFlow\.js inside its own bundle, .*\n {2}fix: .*--external/m,
    );
  });
});

test('a program may have no ending when its first line names Node', () => {
  project.write(
    'bin/train',
    `#!/usr/bin/env node\nconsole.log(require('@tensorflow/tfjs').ones([2]).sum().dataSync()[0], process.argv[2]);\n`,
  );
  const { status, stdout } = project.fullgraph(['run', 'bin/train', '--fast']);
  expect({ status, stdout }).toEqual({ status: 0, stdout: '2 --fast\n' });
});

test('a tfjs that is too old is named, with the remedy', () => {
  const core = 'old/node_modules/@tensorflow/tfjs-core';
  project.write(
    `${core}/package.json`,
    '{ "name": "@tensorflow/tfjs-core", "main": "dist/tf-core.node.js" }',
  );
  project.write(`${core}/dist/tf-core.node.js`, `exports.version_core = '3.0.0';\n`);
  project.write('old/main.cjs', `require('@tensorflow/tfjs-core');\nconsole.log('ran');\n`);
  const { status, stdout, stderr } = project.fullgraph(['run', 'old/main.cjs']);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toBe(
    `error FG5027: the program's TensorFlow.js 3.0.0 is too old\n  fix: Update it: fullgraph needs 3.9 or later.\n`,
  );
});

describe('a program that is killed', () => {
  test('at its first graph leaves a report that says so', () => {
    project.write(
      'killed.mjs',
      `import * as tf from '@tensorflow/tfjs';
       tf.ones([2]).add(1).dataSync();
       process.kill(process.pid, 'SIGKILL');\n`,
    );
    const { status, stdout } = project.fullgraph(['explain', 'killed.mjs']);
    expect(status).toBe(137);
    expect(stdout).toMatch(/^1 graph · 1 compile /m);
    expect(stdout).toContain('error FG5029 SIGKILL ended the program');
  });

  test('before it loads tfjs is no damaged trace', () => {
    project.write('early.mjs', `process.kill(process.pid, 'SIGKILL');\n`);
    const { status, stdout, stderr } = project.fullgraph(['explain', 'early.mjs']);
    expect({ status, stderr }).toEqual({ status: 137, stderr: '' });
    expect(stdout).toContain('error FG5029 SIGKILL ended the program');
  });
});

test('processes and threads that ran graphs of their own are mentioned', () => {
  project.write('plain.cjs', '');
  project.write(
    'family.mjs',
    `import * as tf from '@tensorflow/tfjs';
     import { once } from 'node:events';
     import { fork } from 'node:child_process';
     import { isMainThread, Worker } from 'node:worker_threads';
     tf.ones([2]).add(1).dataSync();
     if (isMainThread) {
       await once(new Worker(new URL(import.meta.url)), 'exit');
       await once(fork('plain.cjs'), 'exit');
     }\n`,
  );
  const brief = project.fullgraph(['explain', 'family.mjs']);
  expect(brief.status).toBe(0);
  expect(brief.stderr).toMatch(
    /^note: 1 process or thread of the program ran graphs of its own, .*--trace-out run\.jsonl\n$/,
  );
  const kept = project.fullgraph(['explain', 'family.mjs', '--trace-out', 'family.jsonl']);
  const [file] = /family\.\d+-\d+\.jsonl/.exec(kept.stderr)!;
  expect(project.fullgraph(['explain', file]).stdout).toContain('family.mjs:5');
});

describe('a program is not started', () => {
  test.each([
    [
      'whose baseline is missing',
      ['--baseline', 'nowhere.json'],
      /^error FG5017: cannot read the report nowhere\.json/,
    ],
    [
      'whose report would overwrite a folder',
      ['-o', 'node_modules'],
      /^error FG5016: cannot write node_modules: it is a/,
    ],
  ])('%s', (_name, flags, message) => {
    project.write(
      'started.mjs',
      `import { writeFileSync } from 'node:fs';\nwriteFileSync('started.txt', '');\n`,
    );
    const { status, stdout, stderr } = project.fullgraph(['explain', 'started.mjs', ...flags]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(existsSync(join(project.folder, 'started.txt'))).toBe(false);
  });
});

test('a trace of a later format is refused by name', () => {
  project.write(
    'future.jsonl',
    '{"kind":"header","schemaVersion":99,"source":"fullgraph","program":"a.js","arguments":[],"cwd":"/","startedAt":"","environment":{}}\n',
  );
  const { status, stdout, stderr } = project.fullgraph(['explain', 'future.jsonl']);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(
    /^error FG5013: .*future\.jsonl was written by a newer fullgraph \(trace format 99, .*\n {2}fix: Update/,
  );
});
