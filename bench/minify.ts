/**
 * The minifier against other reducers: `npm run bench:minify [-- --only graph|source] [--case name] [--limit seconds] [--keep file]`.
 * Prints Markdown tables, those of docs/minifier.md.
 */
import { parseArgs } from 'node:util';
import { benchmarkGraphs } from './minify-graph.ts';
import { benchmarkSources } from './minify-source.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    case: { type: 'string', multiple: true },
    limit: { type: 'string' },
    keep: { type: 'string' },
  },
});

if (values.only === undefined || values.only === 'source') {
  await benchmarkSources({
    ...(values.case === undefined ? {} : { only: values.case }),
    ...(values.limit === undefined ? {} : { limitMs: Number(values.limit) * 1000 }),
    ...(values.keep === undefined ? {} : { keep: values.keep }),
  });
}

if (values.only === undefined || values.only === 'graph') await benchmarkGraphs();
