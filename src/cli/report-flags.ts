/** Flags of every command that shows a report: form, budget, exports. */
export const reportFlags = {
  json: {
    type: 'boolean',
    help: 'Print JSON (docs/schema/report.schema.json), nothing else on standard output',
  },
  format: {
    type: 'string',
    choices: ['text', 'json', 'markdown'],
    value: '<form>',
    help: 'Form of the report',
  },
  output: { type: 'string', short: 'o', value: '<file>', help: 'Write the report to a file' },
  limit: { type: 'number', help: 'Entries per section shown in full (default 10)' },
  'max-breaks': {
    type: 'number',
    help: 'Exit with 1 when there are more distinct breaks (place and reason) than this',
  },
  'max-recompiles': { type: 'number', help: 'Exit with 1 when there are more recompiles than this' },
  baseline: {
    type: 'string',
    value: '<file>',
    help: 'Compare with an earlier --json report; without --max-breaks, exit with 1 when there is a new break',
  },
  perfetto: { type: 'string', value: '<file>', help: 'Write the timeline for ui.perfetto.dev' },
  scrub: {
    type: 'boolean',
    help: 'Leave out source text and file names, so that the report can be given away',
  },
} as const;

/** Entries per section of a text report, unless told otherwise. */
export const defaultLimit = 10;
