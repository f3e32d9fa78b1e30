/** Kinds of programs that `--fail custom:` takes. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, expect, it } from 'vitest';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fullgraph-inputs-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function minify(input: string, command: string, output: string): number | null {
  const cli = resolve('dist/cli/main.js');
  const words = ['minify', input, '--fail', `custom:${command}`, '--jobs', '1', '--output', output];
  return spawnSync(process.execPath, [cli, ...words], { cwd: folder }).status;
}

it('keeps a CommonJS .js file CommonJS in the repro', () => {
  writeFileSync(
    join(folder, 'index.js'),
    'const a = 1;\nfunction f(x) { return x + 1; }\nmodule.exports = f;\nif (a > 2) f(3);\n',
  );
  const check = `node -e "const f = require('./index.js'); process.exit(f(4) === 5 && f(7) === 8 ? 0 : 1)"`;
  expect(minify('index.js', check, 'common')).toBe(0);
  expect(readFileSync(join(folder, 'common', 'index.js'), 'utf8')).not.toContain('const a');
  expect(JSON.parse(readFileSync(join(folder, 'common', 'package.json'), 'utf8'))).toMatchObject({
    type: 'commonjs',
  });
});

it('takes TypeScript of several files', () => {
  writeFileSync(
    join(folder, 'a.mts'),
    `import { twice, type Box } from './b.mts';
enum Color { Red, Green }
const box: Box<number> = { value: twice(21) };
console.log(Color.Green, 'answer', box.value as number);
`,
  );
  writeFileSync(
    join(folder, 'b.mts'),
    `export interface Box<T> { readonly value: T }
export function twice(x: number): number { return 2 * x; }
export const unused = (): string => 'never';
`,
  );
  const check = `for file in *.mts; do sed 's/b.mts/b.mjs/' $file > $(basename $file .mts).mjs; done; node a.mjs | grep -q 'answer 42'`;
  expect(minify('a.mts', check, 'typed')).toBe(0);
  expect(readFileSync(join(folder, 'typed', 'a.mts'), 'utf8').trim()).toMatch(
    /^console\.log\(["']answer["'], 42\);$/,
  );
});
