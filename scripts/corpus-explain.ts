/**
 * `npm run corpus -- --reports DIR`: each program of the corpus once more as a user of `fullgraph explain` would run it,
 * hosted by the built package with its trace on, and the report of each: text, JSON, and whether it is a good one.
 */
import { Ajv2020 as Ajv, type ValidateFunction } from 'ajv/dist/2020.js';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import stringWidth from 'string-width';
import { pathToFileURL } from 'node:url';
import { createPage } from '../src/cli/reporters/page.ts';
import { renderText } from '../src/cli/reporters/text.ts';
import { explain } from '../src/explain-api.ts';
import { toJsonReport, type JsonReport } from '../src/explain/json-report.ts';
import { root } from './bundle.ts';
import { formatTable } from './corpus-report.ts';

const tracesFolder = 'traces';
const columns = 80;

/** Environment in which each process that starts is hosted and leaves its trace in `folder`; frames of the runner are folded. */
export function hostedEnvironment(
  folder: string,
  runner: string,
  cacheDirectory: string | undefined,
): Record<string, string> {
  const traces = path.join(folder, tracesFolder);
  mkdirSync(traces, { recursive: true });
  const register = pathToFileURL(path.join(root, 'dist/register.js')).href;
  return {
    NODE_OPTIONS: `--import ${register}`,
    FULLGRAPH_OPTIONS: JSON.stringify({
      traceFile: path.join(traces, '%p.jsonl'),
      cacheDirectory: cacheDirectory ?? false,
      // It wraps the methods that it watches.
      libraries: [runner],
    }),
  };
}

function longestWord(line: string): number {
  return Math.max(...line.split(' ').map((word) => stringWidth(word)));
}

/** What is wrong with a report, for whoever reads it. */
export function reportProblems(report: JsonReport, text: string, validate: ValidateFunction): string[] {
  validate(JSON.parse(JSON.stringify(report)));
  const problems = (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`);
  // A path is never cut, so that it can be copied: only what stands beside it can be too much.
  const wide = text
    .split('\n')
    .filter((line) => stringWidth(line) > columns && stringWidth(line) > longestWord(line) + 16);
  problems.push(...wide.map((line) => `wider than ${columns} columns: ${line}`));
  if (/\b(?:undefined|NaN|Infinity|\[object Object\])\b/.test(report.verdict)) problems.push('odd verdict');
  if (report.exitCode === null) problems.push('the trace has no end');
  return problems;
}

/** Writes NAME.txt and NAME.json for each trace in `folder`. @returns a table, and whether all reports are good. */
export async function writeReports(folder: string): Promise<{ text: string; isAccepted: boolean }> {
  const schema = JSON.parse(
    readFileSync(path.join(root, 'docs/schema/report.schema.json'), 'utf8'),
  ) as object;
  const validate = new Ajv({ strict: true, allowUnionTypes: true, allErrors: true }).compile(schema);
  const rows: string[][] = [];
  const problems: string[] = [];
  const traces = path.join(folder, tracesFolder);
  for (const file of readdirSync(traces)) {
    const report = await explain(path.join(traces, file));
    const [name, backend] = report.program.arguments;
    // The runner itself is hosted as well, and has no tfjs.
    if (name === undefined || backend === undefined || report.totals.opsTotal === 0) continue;
    const json = toJsonReport(report);
    const text = renderText(createPage({ columns, colorLevel: 0 }), report, { limit: 10 });
    const target = path.join(folder, name.replaceAll('/', '__'));
    writeFileSync(`${target}.txt`, text);
    writeFileSync(`${target}.json`, `${JSON.stringify(json, null, 1)}\n`);
    const found = reportProblems(json, text, validate);
    problems.push(...found.map((problem) => `${name}: ${problem}`));
    const { totals } = json;
    rows.push([
      name,
      found.length === 0 ? 'good' : 'poor',
      `${totals.breaks}`,
      `${totals.distinctBreaks}`,
      `${json.boundaries.length}`,
      `${totals.compiles}`,
      `${totals.recompiles}`,
      `${totals.opsTotal === 0 ? '-' : (100 * (1 - totals.opsEager / totals.opsTotal)).toFixed(2)} %`,
    ]);
  }
  rows.sort(([a = ''], [b = '']) => (a < b ? -1 : 1));
  const header = [
    'program',
    'report',
    'breaks',
    'places',
    'boundaries',
    'compiles',
    'recompiles',
    'in graphs',
  ];
  const table = formatTable([header, ...rows]);
  const good = rows.filter((row) => row[1] === 'good').length;
  return {
    text: [table, '', ...problems, `${good} of ${rows.length} programs have a good report in ${folder}`].join(
      '\n',
    ),
    isAccepted: good === rows.length,
  };
}
