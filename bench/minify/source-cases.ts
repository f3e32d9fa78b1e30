/**
 * Failing programs for the contest of source reducers, each with a check that exits with 0 while it still fails: bugs of tfjs in
 * programs of this repository, findings of tools, and behaviour of libraries as they come from npm. The check sees the
 * candidate in its working directory; several calls with different answers keep reducers from printing the answer.
 */
import { basename } from 'node:path';

/** Absolute folder of the repository, as checks see it. */
export type Repository = string;

export interface SourceCase {
  readonly name: string;
  /** What must survive. */
  readonly keeps: string;
  /** Path from the repository's root. */
  readonly path: string;
  /** Shell script. */
  check(repository: Repository): string;
}

/** A check that loads a CommonJS candidate and compares what it answers. */
function answers(file: string, script: string): () => string {
  const code = `const subject = require('./${file}'); ${script}`;
  return () => `timeout 2 node -e "${code.replaceAll(/["$`\\]/g, '\\$&')}"`;
}

/** A check for programs that import tfjs. */
function runs(file: string, stderr: string, flags = ''): (repository: Repository) => string {
  return (repository) =>
    [
      `ln -sfn '${repository}/node_modules' node_modules`,
      `timeout 20 node ${flags.replace('<repository>', repository)} ${file} 2>&1 >/dev/null | grep -q "${stderr}"`,
    ].join('\n');
}

/** A file in which oxlint finds something. */
function lints(name: string, path: string, finding: string): SourceCase {
  const rule = /\((.*)\)/.exec(finding)![1]!;
  return {
    name,
    keeps: `a finding of oxlint, ${finding}`,
    path,
    check: (repository) =>
      `'${repository}/node_modules/.bin/oxlint' -A all -D ${rule} ${basename(path)} | grep -q '${finding}'`,
  };
}

export const sourceCases: readonly SourceCase[] = [
  {
    name: 'photo-index',
    keeps: 'wasm has no Einsum kernel',
    path: 'fixtures/failing/photo-index/program.mjs',
    check: runs('program.mjs', 'at einsum_'),
  },
  {
    name: 'document-scan',
    keeps: 'shapes that do not broadcast, inside tf.image.threshold',
    path: 'fixtures/failing/document-scan/program.cjs',
    check: runs(
      'program.cjs',
      'threshold: Operands could not be broadcast together with shapes',
      "--require '<repository>/bench/minify/threshold-guard.cjs'",
    ),
  },
  {
    name: 'click-rates',
    keeps: 'a product that is the first NaN',
    path: 'fixtures/failing/click-rates/program.mjs',
    check: runs(
      'program.mjs',
      'first NaN out of Multiply',
      "--import 'file://<repository>/bench/minify/nan-guard.mjs'",
    ),
  },
  lints('jpeg-js', 'node_modules/jpeg-js/lib/decoder.js', 'oxc(erasing-op)'),
  lints('omggif', 'node_modules/omggif/omggif.js', 'eslint(no-unreachable)'),
  lints('argparse', 'node_modules/argparse/lib/argument_parser.js', 'eslint(no-shadow)'),
  lints(
    'yargs-parser',
    'node_modules/yargs-parser/build/lib/yargs-parser.js',
    'unicorn(prefer-string-starts-ends-with)',
  ),
  {
    name: 'mri',
    keeps: 'what two command lines mean',
    path: 'node_modules/mri/lib/index.js',
    check: answers(
      'index.js',
      `const ask = (line, options) => JSON.stringify(subject(line.split(' '), options));
       const ok = ask('--port 80 -v a', { alias: { v: 'verbose' } }) === '{"_":[],"port":80,"v":"a","verbose":"a"}' &&
         ask('x --no-color --name=y', { boolean: ['q'] }) === '{"_":["x"],"color":false,"name":"y"}';
       process.exit(ok ? 0 : 1)`,
    ),
  },
];
