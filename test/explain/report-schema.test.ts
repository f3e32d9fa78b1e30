/** The published schema describes every report, and describes all of it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 as Ajv, type ValidateFunction } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import { reportSchemaVersion, toJsonReport, type JsonReport } from '../../src/explain/json-report.ts';
import { buildReport } from '../../src/explain/report-builder.ts';
import { reportOf, root } from '../cli/support/reports.ts';

type Schema = { [key: string]: Schema | Schema[] | string | string[] | number | boolean | undefined };

const published = JSON.parse(readFileSync(join(root, 'docs/schema/report.schema.json'), 'utf8')) as Schema;

/** The same without room for fields that it does not name: a reader may ignore them, a writer must publish them. */
function closed(schema: Schema): Schema {
  const entries = Object.entries(schema).map(([key, value]) => {
    if (Array.isArray(value)) {
      return [key, value.map((item) => (typeof item === 'object' ? closed(item) : item))] as const;
    }
    return [key, typeof value === 'object' ? closed(value) : value] as const;
  });
  const result = Object.fromEntries(entries) as Schema;
  return result['properties'] === undefined || result['type'] !== 'object'
    ? result
    : { ...result, additionalProperties: false };
}

const validate: ValidateFunction = new Ajv({ strict: true, allowUnionTypes: true, allErrors: true }).compile(
  closed(published),
);

/** As a reader of the file sees it. */
function problems(report: JsonReport): string[] {
  validate(JSON.parse(JSON.stringify(report)));
  return (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`);
}

const shared = join(root, '..', 'shared', 'torch_trace');
const logs = existsSync(shared)
  ? ['toy', 'recompiles', 'errors', 'train_inductor', 'draft_export', 'compiled_autograd'].map((name) =>
      join(shared, 'real', name),
    )
  : [];
const more = existsSync(shared) ? ['multi_rank_logs', 'comp_metrics.log', 'simple_corrupted_json.log'] : [];

test.each([
  'fixtures/traces/training.jsonl',
  'fixtures/traces/torch-two-ranks',
  ...logs,
  ...more.map((name) => join(shared, name)),
])('the report of %s is what the schema says', async (path) => {
  const report = toJsonReport(await reportOf(path));
  expect(problems(report)).toEqual([]);
  expect(report.schemaVersion).toBe(reportSchemaVersion);
});

test('the report of an empty trace, too', () => {
  expect(problems(toJsonReport(buildReport([])))).toEqual([]);
});

test('a field that is missing, unknown or of another type is noticed', async () => {
  const report = toJsonReport(await reportOf('fixtures/traces/training.jsonl'));
  const { verdict: _verdict, ...rest } = report;
  expect(problems(rest as JsonReport)).toEqual([" must have required property 'verdict'"]);
  expect(problems({ ...report, mood: 'good' } as JsonReport)).toEqual([
    ' must NOT have additional properties',
  ]);
  expect(problems({ ...report, source: 'jax' } as unknown as JsonReport)).toHaveLength(1);
});

test('the fields that were promised are there', async () => {
  const report = toJsonReport(await reportOf('fixtures/traces/training.jsonl'));
  expect(Object.keys(report)).toEqual(
    expect.arrayContaining([
      'schemaVersion',
      'program',
      'environment',
      'verdict',
      'totals',
      'graphs',
      'breaks',
    ]),
  );
  const totals =
    'graphs compiles recompiles breaks distinctBreaks opsTotal opsCaptured opsEager wallMs traceMs';
  expect(Object.keys(report.totals)).toEqual(
    expect.arrayContaining([...totals.split(' '), 'compileMs', 'runMs', 'syncMs', 'eagerMs']),
  );
  expect(Object.keys(report.graphs[0]!)).toEqual(
    expect.arrayContaining(['id', 'name', 'nodes', 'runs', 'runMs', 'compileMs', 'fallbacks', 'site']),
  );
  expect(report.breaks[0]).toMatchObject({
    id: 'FG1004',
    site: { file: 'src/train.ts', line: 10, column: 19 },
    code: 'total += loss.dataSync()[0];',
    function: 'trainEpoch',
    occurrences: 50,
    inLoop: true,
    tensor: 'loss',
    waitMs: 125,
    savingMs: 90,
  });
  expect(report.recompiles[0]).toMatchObject({
    graph: 'g2',
    reasons: [{ what: 'x.shape[0]', expected: '32', actual: '7' }, {}],
  });
  expect(report.fallbacks[0]).toMatchObject({ kernel: 'Unique', count: 5, ms: 3.5 });
});
