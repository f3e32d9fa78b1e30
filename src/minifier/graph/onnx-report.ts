/** The bug report of a reduced model: what, where it comes from, how to see it, how it was found. */
import { printOnnx } from '../../onnx/index.ts';
import { formatSignature } from '../verdict.ts';
import type { ReproFacts } from './repro-script.ts';

export interface OnnxReportFacts extends ReproFacts {
  readonly input: string;
  readonly introducedBy: string;
  readonly optimizers: readonly string[];
  readonly rate: number;
  readonly sizeBefore: number;
  readonly sizeAfter: number;
  readonly candidates: number;
  readonly trials: number;
  readonly durationMs: number;
  readonly end: string;
  readonly slips: readonly { readonly signature: ReproFacts['signature']; readonly count: number }[];
  readonly versions: Readonly<Record<string, string>>;
  readonly output: string;
  readonly isVerified: boolean;
  /** The second form, for a graph that came out of a tfjs program. */
  readonly tfjs?: { readonly calls: number; readonly callsBefore: number; readonly output: string };
}

function expectation({ signature, experiment, expected }: OnnxReportFacts): string {
  switch (signature.kind) {
    case 'diverge':
    case 'nan':
      if (experiment.reference?.engine === 'evaluator')
        return 'The numbers in `repro.mjs`: what the ONNX specification says, computed in double precision.';
      if (experiment.subject.device !== undefined) return 'The same numbers as on the CPU.';
      if (expected !== undefined)
        return 'The numbers in `repro.mjs`: what the other version of onnxruntime gives.';
      return `The same numbers as with \`graphOptimizationLevel: '${experiment.reference?.level ?? 'disabled'}'\`.`;
    case 'hang':
      return 'The run ends.';
    case 'crash':
    case 'slow':
      if (experiment.reference !== undefined) return 'The model runs, as it does without optimizations.';
      return signature.name === 'Error' ? 'The model runs.' : 'The model runs, or is refused with an error.';
    case 'custom':
      return 'The command exits with another code than 0.';
    default:
      return signature.kind satisfies never;
  }
}

function workaround(optimizers: readonly string[]): string {
  if (optimizers.length === 0) return '';
  return `
## Workaround

Without ${optimizers.join(', ')} the failure is gone: \`extra: { 'optimization.disable_specified_optimizers': '${optimizers.join(';')}' }\`, in Python \`ort.InferenceSession(path, disabled_optimizers=${JSON.stringify(optimizers)})\`.
`;
}

const levelsInPython: Readonly<Record<string, string>> = {
  disabled: 'ORT_DISABLE_ALL',
  basic: 'ORT_ENABLE_BASIC',
  extended: 'ORT_ENABLE_EXTENDED',
  layout: 'ORT_ENABLE_LAYOUT',
  all: 'ORT_ENABLE_ALL',
};

/** The same in Python, whose wheel has the CPU only. */
function pythonSection(facts: OnnxReportFacts): string {
  if (facts.experiment.subject.device !== undefined || facts.command !== undefined) return '';
  return `or in Python

\`\`\`python
${pythonCode(facts)}
\`\`\`
`;
}

function pythonCode({ experiment }: OnnxReportFacts): string {
  const level = levelsInPython[experiment.subject.level]!;
  const levels = JSON.stringify([...new Set(['ORT_DISABLE_ALL', level])]);
  return `import numpy as np, onnxruntime as ort

inputs = dict(np.load("inputs.npz"))
for level in ${levels}:
    options = ort.SessionOptions()
    options.graph_optimization_level = getattr(ort.GraphOptimizationLevel, level)
    print(level, ort.InferenceSession("model.onnx", options).run(None, inputs))`;
}

function slipLines({ slips }: OnnxReportFacts): string {
  if (slips.length === 0) return '';
  const lines = slips.map(({ signature, count }) => `- ${formatSignature(signature)} (${count} candidates)`);
  return `\nOther failures met on the way, not accepted:\n\n${lines.join('\n')}\n`;
}

function tfjsSection({ tfjs }: OnnxReportFacts): string {
  if (tfjs === undefined) return '';
  return `
## In TensorFlow.js

\`node repro-tfjs.mjs\` shows it from the side of tfjs: ${tfjs.calls} of the program's ${tfjs.callsBefore} kernel calls, as tfjs computes them, against \`tfjs.onnx\`, which fullgraph makes of them.

\`\`\`
${tfjs.output}
\`\`\`
`;
}

/** README.md of the folder. */
export function onnxReport(facts: OnnxReportFacts): string {
  const { signature, message, introducedBy, rate, versions, output, isVerified } = facts;
  const rateText = rate < 1 ? ` It fails in ${Math.round(rate * 100)} % of the runs.` : '';
  const versionText = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `# ${formatSignature(signature)}

Introduced by: ${introducedBy}.${rateText}

## To reproduce

\`\`\`sh
npm install && node repro.mjs
\`\`\`

${pythonSection(facts)}
The model:

\`\`\`
${printOnnx(facts.best.model).trimEnd()}
\`\`\`

## Expected

${expectation(facts)}

## Actual

${message}

\`\`\`
${output}
\`\`\`

${isVerified ? 'Verified in a fresh process from this folder.' : 'NOT verified: `repro.mjs` did not fail as expected from this folder.'}
${tfjsSection(facts)}${workaround(facts.optimizers)}
## Versions

${versionText.join(', ')}, ${process.platform} ${process.arch}

## How it was found

Reduced by fullgraph from ${facts.input}: ${facts.sizeBefore} nodes to ${facts.sizeAfter}, ${facts.trials} trials (${facts.candidates} candidates) in ${(facts.durationMs / 1_000).toFixed(1)} s; ${facts.end === 'fixed-point' ? 'no pass finds anything smaller' : `stopped early (${facts.end})`}.
${slipLines(facts)}`;
}
