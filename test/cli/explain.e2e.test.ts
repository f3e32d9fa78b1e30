/** `fullgraph explain` as it is installed: every input, every form, budgets for CI. */
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JsonReport } from '../../src/explain/json-report.ts';
import { createProject, loopProgram, type Outcome, type Project } from './support/project.ts';
import { root } from './support/reports.ts';

let project: Project;

beforeAll(() => {
  project = createProject();
  project.write('src/loop.mjs', loopProgram);
  cpSync(join(root, 'fixtures/traces'), join(project.folder, 'traces'), { recursive: true });
  cpSync(join(root, 'fixtures/programs/digits'), join(project.folder, 'digits'), { recursive: true });
});

afterAll(() => project.remove());

function jsonOf(outcome: Outcome): JsonReport {
  return JSON.parse(outcome.stdout) as JsonReport;
}

const torch = 'traces/torch-two-ranks';
const ours = 'traces/training.jsonl';

describe('a program', () => {
  test('prints what it prints, then the report', () => {
    const { status, stdout, stderr } = project.fullgraph(['explain', 'src/loop.mjs', '--', '--epochs', '2']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.replaceAll('\n', ' ')).toMatch(
      /^total 320 src\/loop\.mjs --epochs 2 · fullgraph [\d.]+ · node [\d.]+ · tfjs 4\.[\d.]+ · onnxruntime 1\.[\d.]+ /,
    );
    for (const part of [
      /^5 breaks at 1 line cost .* of the run; 1 recompile\.$/m,
      /^FG1004 Read inside a loop +5× · costs /m,
      /^ {2}--> src\/loop\.mjs:6:23$/m,
      /score float32\[\], in a loop/,
      /^ {3}used the value decides `value > 3`$/m,
      /^ {4}fix `value > 3` needs the number only to choose: compute both sides/m,
      /^Recompiles: 1 at 1 site$/m,
      /^Where .* went$/m,
    ]) {
      expect(stdout).toMatch(part);
    }
    expect(stdout).not.toContain('\u001b');
  });

  test('leaves standard output to the JSON', () => {
    const outcome = project.fullgraph(['explain', 'src/loop.mjs', '--json']);
    expect(outcome.stderr).toBe('total 320\n');
    expect(jsonOf(outcome)).toMatchObject({
      schemaVersion: 1,
      source: 'fullgraph',
      program: 'src/loop.mjs',
      exitCode: 0,
      totals: { breaks: 5, distinctBreaks: 1, recompiles: 1, opsTotal: 20, opsEager: 0 },
    });
  });

  test('that fails keeps its exit code, and is explained up to there', () => {
    project.write(
      'fails.mjs',
      `import * as tf from '@tensorflow/tfjs';
       tf.ones([2]).sum().print();
       throw new Error('boom');`,
    );
    const { status, stdout, stderr } = project.fullgraph(['explain', 'fails.mjs']);
    expect(status).toBe(1);
    expect(stderr).toContain('Error: boom');
    expect(stdout).toMatch(/^The program ended with exit code 1; 1 break at 1 line/m);
    expect(stdout).toContain('FG1003 Tensor printed');
  });

  test.each([
    ["of tfjs's own layers is replayed", `tf.layers.dense({ units: 3, inputShape: [4] })`, false],
    [
      'with a layer of its own is traced, and the report says why',
      `new (class Twice extends tf.layers.Layer {
         static className = 'Twice';
         call(inputs) { return (Array.isArray(inputs) ? inputs[0] : inputs).mul(2); }
       })({ inputShape: [4] })`,
      true,
    ],
  ])('whose model is made %s', (_title, layer, isTraced) => {
    project.write(
      'model.mjs',
      `import * as tf from '@tensorflow/tfjs';
       const model = tf.sequential();
       model.add(${layer});
       let total = 0;
       for (let i = 0; i < 20; i++) total += model.predict(tf.ones([1, 4])).dataSync().length;
       console.log(total);`,
    );
    const outcome = project.fullgraph(['explain', 'model.mjs', '--json']);
    const notes = jsonOf(outcome).notes.map((note) => `${note.code} ${note.text}`);
    expect(notes.filter((note) => note.startsWith('FG2003'))).toEqual(
      isTraced ? [expect.stringContaining('Twice is no layer')] : [],
    );
    expect(jsonOf(outcome).breaks).toMatchObject([{ id: 'FG1004', occurrences: 20 }]);
  });

  test('the fixture of the README has three kinds of break and a recompile', () => {
    const report = jsonOf(
      project.fullgraph(['explain', 'digits/train.ts', '--json', '--trace-out', 'd.jsonl']),
    );
    const lines = readFileSync(join(project.folder, 'digits/train.ts'), 'utf8').split('\n');
    const kinds = new Set(report.breaks.map((item) => item.id));
    expect(kinds.size).toBeGreaterThanOrEqual(3);
    const clipping = report.breaks.find((item) => item.id === 'FG1004')!;
    expect(clipping).toMatchObject({
      function: 'clip',
      occurrences: 12,
      branch: 'norm <= limit',
      inLoop: true,
    });
    expect(clipping.savingMs).not.toBeNull();
    expect(clipping.hints[0]).toContain('tf.where');
    for (const item of report.breaks) {
      expect(lines[item.site!.line - 1]!.trim()).toBe(item.code);
      expect(item.hints.length).toBeGreaterThan(0);
    }
    expect(report.recompiles).toHaveLength(1);
    expect(report.recompiles[0]!.reasons).toContainEqual({
      kind: 'shape',
      what: 'x.shape[0]',
      expected: '32',
      actual: '4',
    });
    expect(report.totals.opsEager).toBe(0);
    // The trace gives the same report, timings included: everything is in it.
    expect(jsonOf(project.fullgraph(['explain', 'd.jsonl', '--json']))).toEqual(report);
  });
});

describe('a trace', () => {
  const summary = (report: JsonReport): unknown => [report.source, report.verdict, report.breaks.length];

  test('is the same plain, compressed, under any name and from standard input', () => {
    const bytes = readFileSync(join(project.folder, ours));
    project.write('t.jsonl.gz', gzipSync(bytes));
    project.write('saved.bin', gzipSync(bytes));
    project.write('marked.txt', Buffer.concat([Buffer.from('\ufeff'), bytes]));
    const expected = summary(jsonOf(project.fullgraph(['explain', ours, '--json'])));
    for (const [word, input] of [
      ['t.jsonl.gz', ''],
      ['saved.bin', ''],
      ['marked.txt', ''],
      ['-', bytes],
      ['-', gzipSync(bytes)],
    ] as const) {
      const outcome = project.fullgraph(['explain', word, '--json'], { input });
      expect(summary(jsonOf(outcome)), word).toEqual(expected);
    }
  });

  test('of PyTorch, too: folder, files, compressed, standard input', () => {
    const log = join(project.folder, torch, 'dedicated_log_torch_trace_rank_0_f1x7ure0.log');
    const other = log.replace('rank_0_f1x7ure0', 'rank_1_f1x7ure1');
    project.write('rank0.log.gz', gzipSync(readFileSync(log)));
    const both = summary(jsonOf(project.fullgraph(['explain', torch, '--json'])));
    expect(summary(jsonOf(project.fullgraph(['explain', log, other, '--json'])))).toEqual(both);
    const one = summary(jsonOf(project.fullgraph(['explain', log, '--json'])));
    expect(one).not.toEqual(both);
    expect(summary(jsonOf(project.fullgraph(['explain', 'rank0.log.gz', '--json'])))).toEqual(one);
    for (const input of [readFileSync(log), gzipSync(readFileSync(log))]) {
      expect(summary(jsonOf(project.fullgraph(['explain', '-', '--json'], { input })))).toEqual(one);
    }
  });

  test('that is damaged or cut is reported as far as it goes, and says so', () => {
    const text = readFileSync(join(project.folder, ours), 'utf8');
    const lines = text.split('\n');
    lines[20] = `${lines[20]!.slice(0, 30)}\u0000`;
    project.write('damaged.jsonl', lines.join('\n').slice(0, -600));
    const { status, stdout } = project.fullgraph(['explain', 'damaged.jsonl']);
    expect(status).toBe(0);
    expect(stdout).toContain('FG1004 Read inside a loop');
    expect(stdout).toMatch(/warning 2 lines could not be read/);
    expect(stdout).toMatch(/warning the trace has no end/);
    project.write('cut.jsonl.gz', gzipSync(text).subarray(0, 1500));
    expect(project.fullgraph(['explain', 'cut.jsonl.gz']).stdout).toContain('Graph breaks');
  });
});

describe('forms', () => {
  test('follow the flag, or the ending of the file', () => {
    for (const [words, start] of [
      [['--json'], '{'],
      [['--format', 'markdown'], '# 60 breaks at 3 lines'],
      [['--format', 'text'], 'src/train.ts'],
    ] as const) {
      expect(project.fullgraph(['explain', ours, ...words]).stdout.startsWith(start)).toBe(true);
    }
    for (const [name, start] of [
      ['out/r.json', '{'],
      ['out/r.md', '# 60 breaks'],
      ['out/r.txt', 'src/train.ts'],
    ] as const) {
      const outcome = project.fullgraph(['explain', ours, '-o', name]);
      expect(outcome).toEqual({ status: 0, stdout: '', stderr: '' });
      expect(readFileSync(join(project.folder, name), 'utf8').startsWith(start)).toBe(true);
    }
  });

  test('colours are for terminals, and for those who ask', () => {
    const isColoured = (env: Record<string, string>): boolean =>
      project.fullgraph(['explain', ours], { env }).stdout.includes('\u001b[');
    expect(isColoured({})).toBe(false);
    expect(isColoured({ FORCE_COLOR: '1' })).toBe(true);
    expect(isColoured({ FORCE_COLOR: '1', NO_COLOR: '1' })).toBe(false);
  });

  test('width follows COLUMNS', () => {
    const widest = (columns: string): number =>
      Math.max(
        ...project
          .fullgraph(['explain', ours], { env: { COLUMNS: columns } })
          .stdout.split('\n')
          .map((line) => line.length),
      );
    expect(widest('80')).toBeLessThanOrEqual(80);
    expect(widest('120')).toBeGreaterThan(100);
  });

  test('a full disk is one message', () => {
    const { status, stderr } = project.fullgraph(['explain', ours, '-o', '/dev/full']);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^error FG5016: cannot write \/dev\/full: ENOSPC.*\n {2}fix: .*\n$/);
  });
});

describe('a budget', () => {
  test('that holds is silent, one that does not is exit code 1 and a line per place', () => {
    expect(
      project.fullgraph(['explain', 'src/loop.mjs', '--max-breaks', '1', '--max-recompiles', '1']),
    ).toMatchObject({
      status: 0,
      stderr: '',
    });
    const outcome = project.fullgraph([
      'explain',
      'src/loop.mjs',
      '--max-breaks',
      '0',
      '--max-recompiles',
      '0',
    ]);
    expect(outcome.status).toBe(1);
    expect(outcome.stderr.split('\n').map((line) => line.slice(0, 55))).toEqual([
      'src/loop.mjs:6:23: error: FG1004 Read inside a loop: 1 ',
      'src/loop.mjs:6:23: error: Recompile: 1 recompile, 0 all',
      '',
    ]);
  });

  test('is annotated for GitHub, with paths from the repository', () => {
    const { status, stderr } = project.fullgraph(['explain', 'loop.mjs', '--json', '--max-breaks', '0'], {
      cwd: join(project.folder, 'src'),
      env: { GITHUB_ACTIONS: 'true', GITHUB_WORKSPACE: project.folder },
    });
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /^total 320\n::error file=src\/loop\.mjs,line=6,col=23,title=FG1004 Read inside a loop::1 distinct break, 0 breaks allowed: .*\n$/,
    );
  });

  test('does not hide that the program failed', () => {
    project.write(
      'three.mjs',
      `import * as tf from '@tensorflow/tfjs';\ntf.ones([1]).print();\nprocess.exit(3);\n`,
    );
    expect(project.fullgraph(['explain', 'three.mjs', '--max-breaks', '0']).status).toBe(3);
  });

  test('may come from the configuration file; a flag wins', () => {
    project.write('app/fullgraph.config.json', '{ "maxBreaks": 0, "format": "markdown" }');
    const cwd = join(project.folder, 'app');
    const trace = join('..', ours);
    const configured = project.fullgraph(['explain', trace], { cwd });
    expect(configured.status).toBe(1);
    expect(configured.stdout).toMatch(/^# 60 breaks/);
    expect(project.fullgraph(['explain', trace, '--max-breaks', '3'], { cwd }).status).toBe(0);
    project.write('app/fullgraph.config.json', '{ "maxBraeks": 0 }');
    expect(project.fullgraph(['explain', trace], { cwd }).stderr).toMatch(
      /^error FG5011: .*sets `maxBraeks`, which is no flag\n {2}fix: Did you mean maxBreaks\?\n$/,
    );
  });

  test('from a baseline allows what was there, not what is new', () => {
    project.write('steps.mjs', loopProgram);
    project.fullgraph(['explain', 'steps.mjs', '--json', '-o', 'base.json']);
    const same = project.fullgraph(['explain', 'steps.mjs', '--baseline', 'base.json']);
    expect(same.status).toBe(0);
    expect(same.stdout).toContain('Compared with base.json');
    // Moved down by a line, and with a second break.
    project.write('steps.mjs', `\n${loopProgram}weights.sum().print();\n`);
    const worse = project.fullgraph(['explain', 'steps.mjs', '--baseline', 'base.json']);
    expect(worse.status).toBe(1);
    expect(worse.stderr).toMatch(
      /^steps\.mjs:11:15: error: FG1003 Tensor printed: not in the baseline: [^\n]*\n$/,
    );
    expect(worse.stdout).toMatch(/1 new break, 0 fixed, 0 changed, 1 as before/);
  });
});

describe('a trace of PyTorch', () => {
  test('has a budget', () => {
    const { status, stderr } = project.fullgraph([
      'explain',
      torch,
      '--max-breaks',
      '2',
      '--max-recompiles',
      '1',
    ]);
    expect(status).toBe(1);
    const places = stderr
      .trimEnd()
      .split('\n')
      .map((line) => line.split(': error: ')[0]);
    expect(places).toEqual(['model.py:14:1', 'model.py:18:1', 'model.py:42:1', 'model.py:10:1']);
    expect(project.fullgraph(['explain', torch, '--max-breaks', '3', '--max-recompiles', '2']).status).toBe(
      0,
    );
  });

  test('is compared with another', () => {
    const rank0 = join(torch, 'dedicated_log_torch_trace_rank_0_f1x7ure0.log');
    project.fullgraph(['explain', rank0, '-o', 'rank0.json']);
    const { status, stdout, stderr } = project.fullgraph(['explain', torch, '--baseline', 'rank0.json']);
    expect(status).toBe(1);
    expect(stdout).toMatch(/new +GB0059 +Failed to trace builtin operator +model\.py:18/);
    expect(stderr).toContain('model.py:18:1: error: GB0059');
    expect(project.fullgraph(['diff', torch, rank0]).stdout).toMatch(/1 fixed/);
  });

  test('gives its time line to Perfetto', () => {
    project.fullgraph(['explain', torch, '--perfetto', 'line.json', '-o', 'r.txt']);
    const { traceEvents } = JSON.parse(readFileSync(join(project.folder, 'line.json'), 'utf8')) as {
      traceEvents: { ph: string; name: string; ts?: number; dur?: number }[];
    };
    const spans = traceEvents.filter((event) => event.ph === 'X');
    expect(spans.length).toBeGreaterThan(4);
    for (const span of spans) expect(span.ts! >= 0 && span.dur! >= 0).toBe(true);
  });

  test.each(['text', 'json', 'markdown'])('is scrubbed of paths and sources: %s', (format) => {
    const secrets = /shop|model\.py|train\.py|y\.sum\(\)|rank one|with lock/;
    expect(project.fullgraph(['explain', torch, '--format', format]).stdout).toMatch(secrets);
    const { status, stdout } = project.fullgraph(['explain', torch, '--scrub', '--format', format]);
    expect(status).toBe(0);
    expect(stdout).not.toMatch(secrets);
    expect(stdout).toMatch(/file\d\.py/);
  });
});

test('every command has help with examples', () => {
  const { stdout } = project.fullgraph(['--help']);
  const names = /Commands\n([\s\S]*?)\n\n/
    .exec(stdout)![1]!
    .match(/^ {2}\w+/gm)!
    .map((name) => name.trim());
  expect(names).toEqual(
    expect.arrayContaining(['run', 'explain', 'inspect', 'minify', 'diff', 'why', 'doctor']),
  );
  for (const name of names) {
    const help = project.fullgraph([name, '--help']);
    expect(help.status, name).toBe(0);
    expect(help.stdout, name).toMatch(/Usage {2}fullgraph \w+[\s\S]*Examples\n {2}\S+/);
    for (const line of help.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  }
});

describe('doctor', () => {
  interface Finding {
    readonly name: string;
    readonly status: string;
    readonly text: string;
    readonly remedy?: string;
  }

  function findings(cwd: string, env: Record<string, string> = {}): Map<string, Finding> {
    const { status, stdout } = project.fullgraph(['doctor', '--json'], { cwd, env });
    expect(status).toBe(0);
    const list = (JSON.parse(stdout) as { findings: Finding[] }).findings;
    return new Map(list.map((finding) => [finding.name, finding]));
  }

  test('finds what a program here would get', () => {
    const found = findings(project.folder);
    expect(found.get('TensorFlow.js')).toMatchObject({ status: 'good' });
    expect(found.get('TensorFlow.js')!.text).toMatch(/^4\.\d+\.\d+ in .*node_modules/);
    expect(found.get('Node')).toMatchObject({ status: 'good' });
    expect(found.get('device cpu')).toMatchObject({ status: 'good' });
    expect(found.get('disk cache')!.text).toContain(join(project.folder, '.cache/fullgraph'));
    for (const finding of found.values()) {
      if (finding.status === 'warning' || finding.status === 'bad') expect(finding.remedy).toBeDefined();
    }
  });

  test('has a remedy for what is missing', () => {
    const found = findings('/', { XDG_CACHE_HOME: '/dev/null' });
    expect(found.get('TensorFlow.js')).toMatchObject({ status: 'warning' });
    expect(found.get('TensorFlow.js')!.remedy).toContain('npm install @tensorflow/tfjs');
    expect(found.get('disk cache')).toMatchObject({ status: 'warning' });
  });
});

test('why explains ids of both worlds', () => {
  expect(project.fullgraph(['why', 'FG1003']).stdout).toMatch(/^FG1003 Tensor printed[\s\S]*How to avoid it/);
  expect(project.fullgraph(['why', 'gb0170']).stdout).toMatch(/^GB0170 Data-dependent[\s\S]*torch\.where/);
  expect(project.fullgraph(['why', 'GB9999'])).toMatchObject({ status: 2 });
  expect(project.fullgraph(['why']).stdout).toMatch(/FG1001[\s\S]*GB0170/);
});
