/** Reads a report that `--json` wrote earlier. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { reportSchemaVersion, type JsonReport } from '../explain/json-report.ts';
import { UserError } from '../ir/errors.ts';
import type { Context } from './command.ts';

function fail(message: string, hint: string, cause?: unknown): never {
  throw new UserError(message, { code: 'FG5017', hint, cause });
}

const remedy = 'Write one with `fullgraph explain <script> --json -o baseline.json`.';

function isReport(value: unknown): value is JsonReport {
  return (
    value !== null &&
    typeof value === 'object' &&
    'schemaVersion' in value &&
    'totals' in value &&
    value.totals !== null &&
    typeof value.totals === 'object' &&
    'breaks' in value &&
    Array.isArray(value.breaks) &&
    value.breaks.every((item: unknown) => item !== null && typeof item === 'object' && 'id' in item)
  );
}

/** @throws FG5017 when the file is missing, no report, or of a newer version. */
export async function readBaseline(path: string, context: Context): Promise<JsonReport> {
  const text = await readFile(resolve(context.cwd, path), 'utf8').catch((cause: unknown) =>
    fail(`cannot read the report ${path}: ${(cause as Error).message}`, remedy, cause),
  );
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (cause) {
    return fail(`${path} is not JSON: ${(cause as Error).message}`, remedy, cause);
  }
  if (!isReport(value)) return fail(`${path} is no report of fullgraph`, remedy);
  if (value.schemaVersion > reportSchemaVersion) {
    return fail(
      `${path} was written by a newer fullgraph (schema ${value.schemaVersion}, this one knows ${reportSchemaVersion})`,
      'Update fullgraph, or write the baseline again.',
    );
  }
  return value;
}
