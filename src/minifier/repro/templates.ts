/**
 * Texts of `repro.mjs`. Each prints FAIL and exits with 1 while the failure is there, and prints PASS and exits with 0 when it
 * is gone. They differ in what they need: the value of an expression, an exception, or a whole process to watch.
 */
import { defaultCompiler } from '../options.ts';
import { commandScript } from '../process/command-runner.ts';
import type { CaptureSettings } from '../program/messages.ts';
import type { SourceTree } from '../source/source-tree.ts';
import { memoryLimitName, type Signature } from '../verdict.ts';
import { shapeOf, type ProgramShape } from './program-shape.ts';

export interface ReproSubject {
  readonly tree: SourceTree;
  readonly signature: Signature;
  readonly message: string;
  /** How it is captured and compiled, when that is what fails; `backend` is then ours, `reference` tfjs's. */
  readonly capture?: CaptureSettings;
  readonly backend?: string;
  readonly reference?: string;
  readonly relativeTolerance: number;
  readonly absoluteTolerance: number;
  readonly timeLimitMs: number;
  /** For programs that use too much memory. */
  readonly memoryLimitMb: number;
  readonly slowMs?: number;
  readonly command?: string;
  /** Seed of `Math.random`, where the failure depends on it. */
  readonly seed?: number;
}

/** Files of a repro; `repro.mjs` is the one to run. */
export type ReproFiles = Readonly<Record<string, string>>;

type Template = (subject: ReproSubject) => ReproFiles | undefined;

const indent = (text: string): string => text.replaceAll(/^(?=.)/gm, '  ');

function seedLines(seed: number | undefined): string[] {
  if (seed === undefined) return [];
  return [
    `let state = ${seed};`,
    'Math.random = () => {',
    '  state = (state + 0x6d2b79f5) | 0;',
    '  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);',
    '  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;',
    '  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;',
    '};',
  ];
}

interface Prepared {
  readonly shape: ProgramShape;
  readonly tf: string;
  readonly imports: readonly string[];
  /** Statements that make tfjs run on what fails. */
  readonly start: readonly string[];
}

/** The statement that captures what follows, unless the repro was started with the reference's name. */
function installLine({ capture, reference }: ReproSubject, tf: string, install: string): string {
  const { backend, device } = capture!;
  const options = [
    ...(backend === defaultCompiler ? [] : [`backend: '${backend}'`]),
    ...(device === undefined ? [] : [`device: '${device}'`]),
  ];
  const call = `${install}(${tf}${options.length === 0 ? '' : `, { ${options.join(', ')} }`});`;
  return `if (process.argv[2] !== '${reference}') ${call}`;
}

/** The single ES module with everything imported that the backends need. */
function prepare(subject: ReproSubject): Prepared | undefined {
  const [file] = subject.tree.files;
  if (subject.tree.files.length !== 1 || file?.format !== 'module') return undefined;
  const shape = shapeOf(file);
  const needsTf =
    subject.backend !== undefined || subject.reference !== undefined || subject.signature.kind === 'nan';
  const tf = shape.tf ?? (shape.names.has('tf') ? 'tfjs' : 'tf');
  const imports = [...shape.imports];
  if (needsTf && shape.tf === undefined) imports.unshift(`import * as ${tf} from '@tensorflow/tfjs';`);
  const install = shape.names.has('install') ? 'installFullgraph' : 'install';
  if (subject.capture !== undefined) {
    const alias = install === 'install' ? '' : ` as ${install}`;
    imports.push(`import { install${alias} } from 'fullgraph';`);
  }
  const start =
    subject.capture === undefined ? setBackend(tf, subject.backend) : [installLine(subject, tf, install)];
  for (const backend of [subject.capture === undefined ? subject.backend : undefined, subject.reference]) {
    const specifier = `@tensorflow/tfjs-backend-${backend}`;
    const isBundled = backend === undefined || backend === 'cpu' || backend === 'webgl';
    if (!isBundled && !shape.specifiers.includes(specifier)) imports.push(`import '${specifier}';`);
  }
  return { shape, tf, imports: [...new Set(imports)], start };
}

function setBackend(tf: string, backend: string | undefined): string[] {
  return backend === undefined ? [] : [`await ${tf}.setBackend(process.argv[2] ?? '${backend}');`];
}

function file(...lines: readonly (string | readonly string[])[]): ReproFiles {
  return { 'repro.mjs': `${lines.flat().join('\n')}\n` };
}

/** An exception out of straight code. */
const thrown: Template = (subject) => {
  const prepared = prepare(subject);
  const { kind, name } = subject.signature;
  if (prepared === undefined || kind !== 'crash' || name === memoryLimitName) return undefined;
  const { shape, imports, start } = prepared;
  return file(
    imports,
    '',
    seedLines(subject.seed),
    start,
    'try {',
    shape.statements.map(indent),
    "  console.log('PASS');",
    '} catch (error) {',
    '  console.log(`FAIL: ${error}`);',
    '  process.exitCode = 1;',
    '}',
  );
};

/** Defines `isClose` of two results. */
function closeLines(subject: ReproSubject): string[] {
  return [
    'const isClose = (left, right) => {',
    '  if (left.dtype !== right.dtype || String(left.shape) !== String(right.shape)) return false;',
    '  const scale = Math.max(0, ...right.values.map(Math.abs).filter(Number.isFinite));',
    `  const limit = right.dtype === 'float32' ? ${subject.absoluteTolerance} + ${subject.relativeTolerance} * scale : 0;`,
    '  return right.values.every((value, index) => Object.is(value, left.values[index]) || Math.abs(value - left.values[index]) <= limit);',
    '};',
  ];
}

/** A value that differs between two backends. */
const diverging: Template = (subject) => {
  const prepared = prepare(subject);
  const { backend, reference, signature } = subject;
  if (!prepared?.shape.result || backend === undefined || reference === undefined) return undefined;
  if (signature.kind !== 'diverge') return undefined;
  const { shape, tf, imports, start } = prepared;
  const before = shape.statements.slice(0, -1);
  const body =
    before.length === 0 && !shape.isAsync
      ? [`const run = () => ${shape.result};`]
      : [
          `const run = ${shape.isAsync ? 'async ' : ''}() => {`,
          ...before.map(indent),
          `  return ${shape.result};`,
          '};',
        ];
  const call = shape.isAsync ? 'await run()' : 'run()';
  return file(
    imports,
    '',
    seedLines(subject.seed),
    body,
    '',
    'const valuesOf = (result) =>',
    '  [result].flat().map((tensor) => ({ dtype: tensor.dtype, shape: tensor.shape, values: [...tensor.dataSync()] }));',
    ...(subject.capture === undefined
      ? [
          start,
          `const actual = valuesOf(${call});`,
          `await ${tf}.setBackend('${reference}');`,
          `const expected = valuesOf(${call});`,
        ]
      : [
          `await ${tf}.setBackend('${reference}');`,
          `const expected = valuesOf(${call});`,
          start,
          `const actual = valuesOf(${call});`,
        ]),
    '',
    closeLines(subject),
    'if (actual.length === expected.length && actual.every((result, index) => isClose(result, expected[index]))) {',
    "  console.log('PASS');",
    '} else {',
    "  console.log('FAIL');",
    "  console.log('actual  ', ...actual);",
    "  console.log('expected', ...expected);",
    '  process.exitCode = 1;',
    '}',
  );
};

/** A result that is NaN. */
const notANumber: Template = (subject) => {
  const prepared = prepare(subject);
  if (!prepared?.shape.result || subject.signature.kind !== 'nan') return undefined;
  const { shape, imports, start } = prepared;
  return file(
    imports,
    '',
    seedLines(subject.seed),
    start,
    shape.statements.slice(0, -1),
    `const values = await (${shape.result}).data();`,
    "console.log(values.some(Number.isNaN) ? 'FAIL:' : 'PASS:', ...values);",
    'process.exitCode = values.some(Number.isNaN) ? 1 : 0;',
  );
};

/** NaN in whatever the program reads. */
const notANumberAnywhere: Template = (subject) => {
  const prepared = prepare(subject);
  if (prepared === undefined || subject.signature.kind !== 'nan') return undefined;
  const { shape, tf, imports, start } = prepared;
  return file(
    imports,
    '',
    seedLines(subject.seed),
    start,
    '',
    '// Looks at everything that is read from tensors below.',
    `const engine = ${tf}.engine();`,
    'const { readSync, read } = engine;',
    'const check = (values) => {',
    '  if (Array.prototype.some.call(values, Number.isNaN)) process.exitCode = 1;',
    '  return values;',
    '};',
    'engine.readSync = (id) => check(readSync.call(engine, id));',
    'engine.read = async (id) => check(await read.call(engine, id));',
    "process.on('exit', (code) => console.log(code === 1 ? 'FAIL: NaN was read' : 'PASS'));",
    '',
    shape.statements,
  );
};

/** Kernels that differ from the reference backend's on the same inputs, wherever the program calls them. */
const divergingKernels: Template = (subject) => {
  const prepared = prepare(subject);
  const { backend, reference, signature } = subject;
  if (prepared === undefined || backend === undefined || reference === undefined) return undefined;
  if (signature.kind !== 'diverge' || signature.name === 'read') return undefined;
  const { shape, tf, imports, start } = prepared;
  return file(
    imports,
    '',
    seedLines(subject.seed),
    `await ${tf}.setBackend('${reference}');`,
    start,
    '',
    `// Runs each ${signature.name} again with the kernel of ${reference}, on the same inputs.`,
    `const engine = ${tf}.engine();`,
    'const { runKernel } = engine;',
    `const reference = engine.findBackend('${reference}');`,
    'engine.runKernel = (name, inputs, attrs) => {',
    '  const result = runKernel.call(engine, name, inputs, attrs);',
    `  if (name !== '${signature.name}') return result;`,
    '  const copies = Object.fromEntries(Object.entries(inputs).map(([key, input]) =>',
    '    [key, input && reference.makeTensorInfo(input.shape, input.dtype, [...input.dataSync()])]));',
    `  const kernel = ${tf}.getKernel(name, '${reference}');`,
    '  const expected = [kernel.kernelFunc({ inputs: copies, attrs, backend: reference })].flat();',
    '  [result].flat().forEach((tensor, index) => {',
    '    const values = reference.readSync(expected[index].dataId);',
    '    const scale = values.reduce((most, value) => Math.max(most, Number.isFinite(value) ? Math.abs(value) : 0), 0);',
    `    const limit = tensor.dtype === 'float32' ? ${subject.absoluteTolerance} + ${subject.relativeTolerance} * scale : 0;`,
    '    const isClose = tensor.dtype === expected[index].dtype && tensor.dataSync().every((value, at) =>',
    '      Object.is(value, values[at]) || Math.abs(value - values[at]) <= limit);',
    '    if (!isClose) process.exitCode = 1;',
    '  });',
    '  return result;',
    '};',
    `process.on('exit', (code) => console.log(code === 1 ? 'FAIL: ${signature.name} differs from ${reference}' : 'PASS'));`,
    '',
    shape.statements,
  );
};

/** Whatever a program reads, when it is captured and when not. */
const divergingReads: Template = (subject) => {
  const prepared = prepare(subject);
  const { capture, reference, signature } = subject;
  if (prepared === undefined || capture === undefined || signature.kind !== 'diverge') return undefined;
  const { shape, tf, imports, start } = prepared;
  return file(
    imports,
    '',
    '// Runs the program and keeps everything that it reads from tensors.',
    'const readsOf = async () => {',
    '  const reads = [];',
    `  const engine = ${tf}.engine();`,
    '  const { readSync, read } = engine;',
    '  const note = (id, values) => {',
    '    const { dtype, shape } = engine.state.tensorInfo.get(id);',
    '    reads.push({ dtype, shape, values: [...values] });',
    '    return values;',
    '  };',
    '  engine.readSync = (id) => note(id, readSync.call(engine, id));',
    '  engine.read = async (id) => note(id, await read.call(engine, id));',
    indent(seedLines(subject.seed).join('\n')),
    shape.statements.map(indent),
    '  Object.assign(engine, { readSync, read });',
    '  return reads;',
    '};',
    '',
    `await ${tf}.setBackend('${reference}');`,
    'const expected = await readsOf();',
    start,
    'const actual = await readsOf();',
    '',
    closeLines(subject),
    'const wrong = actual.findIndex((result, index) => !isClose(result, expected[index]));',
    'if (actual.length === expected.length && wrong < 0) {',
    "  console.log('PASS');",
    '} else {',
    '  console.log(`FAIL: read ${wrong + 1}`);',
    "  console.log('actual  ', actual[wrong]);",
    "  console.log('expected', expected[wrong]);",
    '  process.exitCode = 1;',
    '}',
  );
};

/** A lone file whose types were stripped, under a name that Node runs. */
function withRunnableNames(tree: SourceTree): SourceTree {
  const [only] = tree.files;
  if (tree.files.length !== 1 || only === undefined || !/\.[mc]?tsx?$/.test(only.path)) return tree;
  const path = only.path.replace(/\.[mc]?tsx?$/, only.format === 'module' ? '.mjs' : '.cjs');
  return { files: [{ ...only, path }], entry: path };
}

/** Ends the process by SIGKILL when it uses more memory; the program may never yield, so another thread looks. */
function memoryGuard(limitMb: number): string[] {
  return [
    "import { Worker } from 'node:worker_threads';",
    '',
    `// No more than ${limitMb} MB.`,
    `const guard = \`setInterval(() => { if (process.memoryUsage.rss() > ${limitMb} * 2 ** 20) process.kill(process.pid, 'SIGKILL'); }, 20);\`;`,
    'new Worker(guard, { eval: true }).unref();',
  ];
}

/** The program in files of its own, watched from outside: for exits, signals, hangs, other module formats. */
const watched: Template = (subject) => {
  const { signature, backend, capture } = subject;
  const tree = withRunnableNames(subject.tree);
  if (signature.kind === 'custom' || signature.kind === 'diverge' || signature.kind === 'nan')
    return undefined;
  const isBomb = signature.name === memoryLimitName;
  const needsSetup = backend !== undefined || subject.seed !== undefined || isBomb;
  const main = `./${tree.entry}`;
  const files: Record<string, string> = Object.fromEntries(tree.files.map(({ path, text }) => [path, text]));
  if (needsSetup) {
    files['start.mjs'] = [
      ...(backend === undefined ? [] : ["import * as tf from '@tensorflow/tfjs';"]),
      ...(capture === undefined ? [] : ["import { install } from 'fullgraph';"]),
      ...(capture !== undefined || backend === undefined || backend === 'cpu' || backend === 'webgl'
        ? []
        : [`import '@tensorflow/tfjs-backend-${backend}';`]),
      ...(isBomb ? memoryGuard(subject.memoryLimitMb) : []),
      ...seedLines(subject.seed),
      ...(capture === undefined
        ? [
            ...setBackend('tf', backend),
            ...(backend === undefined ? [] : ['tf.engine().setBackend = async () => true;']),
          ]
        : [installLine(subject, 'tf', 'install')]),
      `await import('${main}');`,
      '',
    ].join('\n');
  }
  const limitMs = signature.kind === 'slow' ? (subject.slowMs ?? subject.timeLimitMs) : subject.timeLimitMs;
  const isLimit = signature.kind === 'hang' || signature.kind === 'slow';
  files['repro.mjs'] = [
    "import { spawnSync } from 'node:child_process';",
    "import { fileURLToPath } from 'node:url';",
    '',
    `const program = fileURLToPath(new URL('${needsSetup ? './start.mjs' : main}', import.meta.url));`,
    'const { status, signal, stderr } = spawnSync(process.execPath, [program, ...process.argv.slice(2)], {',
    "  encoding: 'utf8',",
    `  timeout: ${limitMs},`,
    '});',
    isLimit ? `const hasFailed = signal !== null;` : `const hasFailed = status !== 0;`,
    isLimit
      ? `console.log(hasFailed ? 'FAIL: still running after ${limitMs} ms' : 'PASS');`
      : "console.log(hasFailed ? `FAIL: ${signal ?? `exit code ${status}`}\\n${stderr}` : 'PASS');",
    'process.exitCode = hasFailed ? 1 : 0;',
    '',
  ].join('\n');
  return files;
};

/** A command that judges the files. */
const commanded: Template = (subject) => {
  const { tree, command } = subject;
  if (command === undefined) return undefined;
  return {
    ...Object.fromEntries(tree.files.map(({ path, text }) => [path, text])),
    'repro.mjs': commandScript(command),
  };
};

const templates: readonly Template[] = [
  thrown,
  diverging,
  notANumber,
  divergingKernels,
  divergingReads,
  notANumberAnywhere,
  watched,
  commanded,
];

/** Ways to write the repro, the most readable first; without a seed before with one. */
export function* reproVariants(subject: ReproSubject, seed: number): Generator<ReproFiles> {
  for (const template of templates) {
    for (const variant of [subject, { ...subject, seed }]) {
      const files = template(variant);
      if (files) yield files;
    }
  }
}
