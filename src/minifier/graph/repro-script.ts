/**
 * `repro.mjs` of a model: plain onnxruntime-node, values inline while they are few. It runs itself in a child process, because the
 * failure may take the process down; exits with 1 while the failure is there and with 0 when it is gone.
 */
import { isNumeric, type OnnxTensor } from '../../onnx/index.ts';
import { commandScript } from '../process/command-runner.ts';
import { formatSignature, type Signature } from '../verdict.ts';
import type { GraphCase } from './graph-case.ts';
import { float32Text } from '../../ir/number-text.ts';
import type { Experiment } from './graph-oracle.ts';
import type { Tolerance } from './trial-messages.ts';

/** Inputs with more elements than this are read from inputs.npz. */
const inlineElements = 200;

export interface ReproFacts {
  readonly best: GraphCase;
  readonly experiment: Experiment;
  readonly signature: Signature;
  readonly message: string;
  /** Judges the files beside it. */
  readonly command?: string;
  readonly tolerance: Tolerance;
  readonly timeLimitMs: number;
  /** What the outputs must be, where the reference cannot run beside the subject: another version, our evaluator. */
  readonly expected?: readonly OnnxTensor[];
}

function literal(value: number | bigint | string | Uint8Array): string {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  return JSON.stringify(typeof value === 'string' ? value : '');
}

function dataExpression(tensor: OnnxTensor, inline = inlineElements): string {
  const { data, name } = tensor;
  if (!isNumeric(data)) return `[${data.map(literal).join(', ')}]`;
  const array = data.constructor.name;
  if (data.length > inline)
    return `${array === 'Array' ? 'Float32Array' : `new ${array}`}(stored(${JSON.stringify(name)}))`;
  return `${array}.of(${Array.from(data as ArrayLike<number | bigint>, (value) =>
    data instanceof Float32Array ? float32Text(Number(value)) : literal(value),
  ).join(', ')})`;
}

/** A tensor as an entry of an object of ort.Tensors. */
export function inputLine(name: string, tensor: OnnxTensor): string {
  const named = { ...tensor, name };
  return `  ${JSON.stringify(name)}: new ort.Tensor('${tensor.dataType}', ${dataExpression(named)}, [${tensor.dims.join(', ')}]),`;
}

/** A function that reads an array out of a .npz. */
export const storedFunction = (file: string): string => `
/** Bytes of an array in ${file}: a ZIP of .npy files. */
function stored(name) {
  const zip = readFileSync(new URL('./${file}', import.meta.url));
  const header = zip.indexOf(\`\${name}.npy\`) - 30;
  const start = header + 30 + zip.readUInt16LE(header + 26) + zip.readUInt16LE(header + 28);
  const npy = inflateRawSync(zip.subarray(start, start + zip.readUInt32LE(header + 18)));
  return new Uint8Array(npy.subarray(10 + npy.readUInt16LE(8))).buffer;
}
`;

/** A function that says what differs between two runs. */
export const differenceFunction = (tolerance: Tolerance): string => `
/** What differs, or undefined. */
function difference(expected, actual) {
  for (const name of Object.keys(expected)) {
    const [want, got] = [expected[name], actual[name]];
    if (want.type !== got.type || String(want.dims) !== String(got.dims))
      return \`\${name}: expected \${want.type}[\${want.dims}], got \${got.type}[\${got.dims}]\`;
    const isFloat = want.type.startsWith('float');
    const scale = want.data.reduce?.((most, value) => (Math.abs(Number(value)) < Infinity ? Math.max(most, Math.abs(Number(value))) : most), 1);
    for (let index = 0; index < want.data.length; index++) {
      const [left, right] = [want.data[index], got.data[index]];
      if (left === right || (Number.isNaN(left) && Number.isNaN(right))) continue;
      const error = Math.abs(Number(left) - Number(right));
      if (isFloat && error <= ${tolerance.absolute} * scale + ${tolerance.relative} * Math.abs(left)) continue;
      return \`\${name}[\${index}]: expected \${left}, got \${right}\`;
    }
  }
  return undefined;
}
`;

/** Options of a session as source text. */
export function sessionOptions({ level, disabledOptimizers = [], device }: Experiment['subject']): string {
  const providers = device === undefined ? '' : `, executionProviders: ['${device}', 'cpu']`;
  const extra =
    disabledOptimizers.length === 0
      ? ''
      : `, extra: { 'optimization.disable_specified_optimizers': '${disabledOptimizers.join(';')}' }`;
  return `{ graphOptimizationLevel: '${level}'${providers}${extra} }`;
}

/** Runs `check()` in a process of its own: the failure may take it down. */
export const childCheck = (timeLimitMs: number): string => `
if (process.argv[2] === 'check') {
  await check().catch((error) => {
    console.error(error.message.split('\\n', 1)[0]);
    process.exitCode = 1;
  });
} else {
  // In a process of its own: the failure may take it down.
  const child = spawnSync(process.execPath, [fileURLToPath(import.meta.url), 'check'], {
    encoding: 'utf8',
    timeout: ${Math.ceil(timeLimitMs)},
  });
  const hasFailed = child.status !== 0;
  const reason = child.error?.code === 'ETIMEDOUT' ? 'no answer' : (child.signal ?? child.stderr.trim().split('\\n').at(-1));
  console.log(hasFailed ? \`FAIL: \${reason}\` : 'PASS');
  process.exitCode = hasFailed ? 1 : 0;
}
`;

function expectedExpression({ expected, experiment }: ReproFacts): string {
  if (expected === undefined) return `await run(${sessionOptions(experiment.reference!)})`;
  const entries = expected.map(
    (tensor) =>
      `    ${JSON.stringify(tensor.name)}: { type: '${tensor.dataType}', dims: [${tensor.dims.join(', ')}], data: ${dataExpression(tensor, Infinity)} },`,
  );
  return `{\n${entries.join('\n')}\n  }`;
}

/** The script. */
export function reproScript(facts: ReproFacts): string {
  const { best, experiment, signature, message, tolerance, timeLimitMs, command } = facts;
  if (command !== undefined) return commandScript(command);
  const isComparison = signature.kind === 'diverge' || signature.kind === 'nan';
  const inputs = [...best.inputs].map(([name, tensor]) => inputLine(name, tensor));
  const isStored = inputs.some((line) => line.includes('(stored('));
  const check = isComparison
    ? `  const expected = ${expectedExpression(facts)};
  const actual = await run(${sessionOptions(experiment.subject)});
  const found = difference(expected, actual);
  if (found !== undefined) throw new Error(found);`
    : `  await run(${sessionOptions(experiment.subject)});`;
  return `// ${formatSignature(signature)}
// ${message}
// Prints FAIL and exits with 1 while the failure is there; prints PASS and exits with 0 when it is gone.
import { spawnSync } from 'node:child_process';
${isStored ? "import { readFileSync } from 'node:fs';\n" : ''}import { fileURLToPath } from 'node:url';
${isStored ? "import { inflateRawSync } from 'node:zlib';\n" : ''}import * as ort from 'onnxruntime-node';

const model = fileURLToPath(new URL('./model.onnx', import.meta.url));
const inputs = () => ({
${inputs.join('\n')}
});

async function run(options) {
  const session = await ort.InferenceSession.create(model, { logSeverityLevel: 4, ...options });
  return session.run(inputs());
}
${isStored ? storedFunction('inputs.npz') : ''}${isComparison ? differenceFunction(tolerance) : ''}
async function check() {
${check}
}
${childCheck(timeLimitMs)}`;
}
