/** What `src` imports must be installed with the package, not only in this repository. */
import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from './support/reports.ts';

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
};

/** `tsx/esm/api` → `tsx`. */
function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

test('every package that the code imports is a dependency', () => {
  const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' });
  const imported = files
    .filter((file) => /\.tsx?$/.test(file))
    .flatMap((file) => {
      const text = readFileSync(join(root, 'src', file), 'utf8');
      const statements = text.matchAll(/^(?:import|export)\b[^;]*?\bfrom '([^']+)'|\bimport\('([^']+)'\)/gm);
      return [...statements].map((match) => match[1] ?? match[2]!);
    })
    .filter((specifier) => !/^[.$]|^node:/.test(specifier) && !builtinModules.includes(specifier));
  const known = new Set([...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)]);
  expect([...new Set(imported.map(packageOf))].filter((name) => !known.has(name))).toEqual([]);
  expect(imported.length).toBeGreaterThan(40);
});
