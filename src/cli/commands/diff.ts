import { compareReports } from '../../explain/compare.ts';
import { toJsonReport, type JsonReport } from '../../explain/json-report.ts';
import { UserError } from '../../ir/errors.ts';
import { readBaseline } from '../baseline.ts';
import { defineCommand, type Command, type Context } from '../command.ts';
import { findInput } from '../input.ts';
import { loadReport } from '../load-report.ts';
import { print } from '../output.ts';
import { renderComparison } from '../reporters/comparison.ts';
import { pageFor } from '../terminal.ts';

async function readEither(word: string, context: Context): Promise<JsonReport> {
  const input = await findInput([word], [], context);
  if (input.kind === 'report') return readBaseline(input.path, context);
  if (input.kind === 'trace' || input.kind === 'torch') {
    return toJsonReport((await loadReport(input, context)).report);
  }
  throw new UserError(`${word} is neither a trace nor a report`, {
    code: 'FG5012',
    hint: `Make one: fullgraph explain ${word} --json -o report.json`,
  });
}

/** `fullgraph diff`. */
export const diffCommand: Command = defineCommand({
  name: 'diff',
  summary: 'Compare two traces or JSON reports: new, fixed and changed breaks',
  usage: '<before> <after> [flags]',
  details: ['Exit code 1 when there is a new break.'],
  flags: { json: { type: 'boolean', help: 'Print JSON' } },
  examples: [
    { command: 'fullgraph diff base.json run.jsonl', help: 'a kept report against a fresh trace' },
    { command: 'fullgraph diff torch_before/ torch_after/', help: 'two PyTorch jobs' },
  ],
  async run({ values, positionals }, context) {
    const [before, after, ...more] = positionals;
    if (before === undefined || after === undefined || more.length > 0) {
      throw new UserError(`diff takes two inputs, got ${positionals.length}`, {
        code: 'FG5010',
        hint: 'Write: fullgraph diff <before> <after>',
      });
    }
    const comparison = compareReports(await readEither(before, context), await readEither(after, context));
    const text =
      values.json === true
        ? `${JSON.stringify({ schemaVersion: 1, ...comparison }, null, 2)}\n`
        : renderComparison(pageFor(context, context.stdout), `${before} → ${after}`, comparison);
    await print(context.stdout, text);
    return comparison.fresh.length > 0 ? 1 : 0;
  },
});
