/** The bug report: README.md of a repro folder, ready to be filed. */
import { diffArrays } from 'diff';
import { tokenizer } from 'acorn';
import type { SourceTree } from '../source/source-tree.ts';
import { formatSignature, type Signature } from '../verdict.ts';
import { modelScript } from './model-repro.ts';

export interface ReportFacts {
  readonly signature: Signature;
  readonly message: string;
  /** Of wrong numbers: by what they are known to be more than rounding. */
  readonly judgedBy?: string;
  /** What introduces the failure, as one line, where that is known. */
  readonly culprit: string | undefined;
  readonly rate: number;
  readonly input: string;
  readonly reproText: string;
  readonly output: string;
  readonly isVerified: boolean;
  readonly versions: Readonly<Record<string, string>>;
  readonly backend?: string;
  readonly reference?: string;
  /** Of a compiled program: what its model printed that fails by itself; `none` does. */
  readonly model?: { readonly output: string } | 'none';
  readonly sizeBefore: number;
  readonly sizeAfter: number;
  readonly unit: string;
  readonly trials: number;
  readonly oracleCalls: number;
  readonly durationMs: number;
  /** How the reduction ended. */
  readonly end: string;
  readonly nearestPassing: Neighbour | undefined;
  readonly slips: readonly { readonly signature: Signature; readonly count: number }[];
}

export interface Neighbour {
  readonly text: string;
  /** What differs, as `4 → 5`. */
  readonly difference: string;
}

function tokensOf(tree: SourceTree): string[] {
  return tree.files.flatMap((file) => {
    const sourceType = file.format === 'module' ? 'module' : 'script';
    return [...tokenizer(file.text, { ecmaVersion: 'latest', sourceType })].map(({ start, end }) =>
      file.text.slice(start, end),
    );
  });
}

/** The passing candidate with the fewest tokens changed from the failing one. */
export function nearestPassing(best: SourceTree, passing: readonly SourceTree[]): Neighbour | undefined {
  const tokens = tokensOf(best);
  let nearest:
    { readonly tree: SourceTree; readonly difference: string; readonly distance: number } | undefined;
  for (const tree of passing) {
    const parts = diffArrays(tokens, tokensOf(tree));
    const removed = parts.filter((part) => part.removed).flatMap((part) => part.value);
    const added = parts.filter((part) => part.added).flatMap((part) => part.value);
    const distance = removed.length + added.length;
    if (nearest !== undefined && distance >= nearest.distance) continue;
    const difference =
      added.length === 0 ? `without ${removed.join(' ')}` : `${removed.join(' ')} → ${added.join(' ')}`;
    nearest = { tree, difference, distance };
  }
  return (
    nearest && {
      text: nearest.tree.files.map((file) => file.text).join('\n'),
      difference: nearest.difference,
    }
  );
}

const expectations: Readonly<Record<Signature['kind'], string>> = {
  crash: 'The program runs to its end.',
  diverge: 'Both backends give the same result within the tolerance.',
  nan: 'The result is a number.',
  hang: 'The program ends.',
  slow: 'The program ends in less time.',
  custom: 'The command exits with another code than 0.',
};

/** Exceptions that any program throws when parts of it are missing. */
function isArtefact(signature: Signature): boolean {
  return signature.kind === 'crash' && /^(?:Type|Reference|Syntax|Range|Value)?Error$/.test(signature.name);
}

function modelLines(model: NonNullable<ReportFacts['model']>): string[] {
  if (model === 'none') {
    return [
      'There is no model.onnx: the models that fullgraph makes of this program do not fail by themselves, compared with onnxruntime without its optimizer and with the ONNX operators in double precision. So the failure comes before onnxruntime, or from how it is used.',
      '',
    ];
  }
  return [
    '## The model alone',
    '',
    `\`model.onnx\` is what onnxruntime gets for this program, \`inputs.npz\` what it ran on. \`node ${modelScript}\` runs it without tfjs and fullgraph:`,
    '',
    ...fence(model.output, 'text'),
  ];
}

function fence(text: string, language: string): string[] {
  return [`\`\`\`${language}`, text.trimEnd(), '```', ''];
}

/** Markdown. */
export function bugReport(facts: ReportFacts): string {
  const { signature, versions, slips, nearestPassing: nearest } = facts;
  const seconds = (facts.durationMs / 1000).toFixed(1);
  const lines = [
    `# ${facts.message}`,
    '',
    `**Failure**: \`${formatSignature(signature)}\``,
    ...(facts.culprit === undefined ? [] : ['', `**Introduced by**: ${facts.culprit}`]),
    '',
    ...fence(facts.reproText, 'js'),
    '## Run it',
    '',
    ...fence('npm install\nnode repro.mjs', 'sh'),
    `It prints FAIL and exits with 1 while the failure is there; it prints PASS and exits with 0 when it is gone.${
      facts.backend === undefined || facts.reference === undefined
        ? ''
        : ` \`node repro.mjs ${facts.reference}\` passes.`
    }`,
    '',
    '## Expected',
    '',
    expectations[signature.kind],
    '',
    '## Actual',
    '',
    ...fence(facts.output === '' ? facts.message : facts.output, 'text'),
  ];
  if (facts.judgedBy !== undefined) lines.push(`Judged by ${facts.judgedBy}.`, '');
  if (facts.model !== undefined) lines.push(...modelLines(facts.model));
  if (facts.rate < 1) lines.push(`The original fails in ${Math.round(100 * facts.rate)} % of its runs.`, '');
  if (nearest) {
    lines.push(
      '## Nearest passing variant',
      '',
      `Passes with ${nearest.difference}:`,
      '',
      ...fence(nearest.text, 'js'),
    );
  }
  lines.push('## Versions', '', '| package | version |', '| --- | --- |');
  for (const [name, version] of Object.entries(versions)) lines.push(`| ${name} | ${version} |`);
  lines.push(
    '',
    '## How it was found',
    '',
    `Reduced from \`${facts.input}\` by \`fullgraph minify\`: ${facts.sizeBefore} → ${facts.sizeAfter} ${facts.unit} in ${facts.trials} trials (${facts.oracleCalls} runs) and ${seconds} s; ended by ${facts.end.replace('-', ' ')}. ${
      facts.isVerified
        ? 'Verified from this folder in a fresh process.'
        : '**Not verified**: from this folder, a fresh process did not show the failure.'
    }`,
    '',
  );
  const telling = slips.filter(({ signature: other }) => !isArtefact(other));
  if (telling.length > 0) {
    lines.push('Other failures seen on the way, which were not followed:', '');
    for (const slip of telling.slice(0, 10))
      lines.push(`- \`${formatSignature(slip.signature)}\` (${slip.count})`);
    lines.push('');
  }
  return lines.join('\n');
}
