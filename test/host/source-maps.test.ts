import { transformSync } from 'esbuild';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSourceMapper, keepCompiledTexts } from '../../src/host/source-maps.ts';

let folder: string;
beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'maps-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const source = `// Two lines of comment,\n// which compiling drops.\nconst x: number = 1;\nexport const thrown = (): Error => new Error(String(x));\n`;

function compile(sourcemap: 'inline' | 'external', file: string): { code: string; map: string } {
  return transformSync(source, { loader: 'ts', format: 'cjs', sourcemap, sourcefile: file });
}

/** Line and column of `new Error` in some code. */
function placeIn(code: string): { line: number; column: number } {
  const lines = code.split('\n');
  const line = lines.findIndex((text) => text.includes('new Error'));
  return { line: line + 1, column: lines[line]!.indexOf('new Error') + 1 };
}

describe('places of compiled programs', () => {
  it('are those of the source when a map lies beside the code', () => {
    const file = path.join(folder, 'program.js');
    const { code, map } = compile('external', 'program.ts');
    writeFileSync(path.join(folder, 'program.ts'), source);
    writeFileSync(file, `${code}\n//# sourceMappingURL=program.js.map\n`);
    writeFileSync(`${file}.map`, map);
    const mapper = createSourceMapper(new Map());
    const place = mapper.original({ file, ...placeIn(code) });
    expect(place).toEqual({ file: path.join(folder, 'program.ts'), ...placeIn(source) });
    expect(mapper.text(place.file)).toBe(source);
  });

  it('have the text that the map brings along when the sources are elsewhere', () => {
    const file = path.join(folder, 'dist.js');
    const { code } = compile('inline', '../elsewhere/program.ts');
    writeFileSync(file, code);
    const mapper = createSourceMapper(new Map());
    const place = mapper.original({ file, ...placeIn(code) });
    expect(place).toEqual({ file: path.join(folder, '../elsewhere/program.ts'), ...placeIn(source) });
    expect(mapper.text(place.file)).toBe(source);
  });

  it.each([
    ['webpack://app/./package.json', path.resolve('package.json')],
    ['webpack:///package.json?a1b2', path.resolve('package.json')],
    ['webpack://app/webpack/bootstrap', 'webpack://app/webpack/bootstrap'],
  ])('are found where bundlers name them: %s', (name, expected) => {
    const file = path.join(folder, 'bundle.js');
    const { code, map } = compile('external', 'program.ts');
    const named = { ...(JSON.parse(map) as object), sources: [name] };
    const url = `data:application/json,${encodeURIComponent(JSON.stringify(named))}`;
    writeFileSync(file, `${code}\n//# sourceMappingURL=${url}\n`);
    const mapper = createSourceMapper(new Map());
    const place = mapper.original({ file, ...placeIn(code) });
    expect(place).toEqual({ file: expected, ...placeIn(source) });
    expect(mapper.text(place.file)).toBe(source);
  });

  it('are those of the file that a require hook compiled, inline map and all', () => {
    const file = path.join(folder, 'program.ts');
    writeFileSync(file, source);
    const { code } = compile('inline', file);
    const mapper = createSourceMapper(new Map([[file, code]]));
    expect(mapper.original({ file: `file://${file}`, ...placeIn(code) })).toEqual({
      file,
      ...placeIn(source),
    });
    expect(mapper.text(file)).toBe(source);
  });

  it('are those of the code that runs when nobody left a map, and so is the text', () => {
    const file = path.join(folder, 'program.ts');
    writeFileSync(file, source);
    const { code } = compile('external', file);
    const mapper = createSourceMapper(new Map([[file, code]]));
    expect(mapper.original({ file, ...placeIn(code) })).toEqual({ file, ...placeIn(code) });
    expect(mapper.text(file)).toBe(code);
  });

  it.each(['no.map', 'data:application/json,{', 'data:application/json;base64,AAAA'])(
    'stay as they are with a damaged map (%s)',
    (url) => {
      const file = path.join(folder, 'program.js');
      writeFileSync(file, `1;\n//# sourceMappingURL=${url}\n`);
      const place = { file, line: 1, column: 1 };
      expect(createSourceMapper(new Map()).original(place)).toEqual(place);
    },
  );

  it('come with the text that was compiled', () => {
    const texts = keepCompiledTexts();
    const file = path.join(folder, 'program.cjs');
    writeFileSync(file, 'module.exports = 1;\n');
    createRequire(file)(file);
    expect(texts.get(file)).toBe('module.exports = 1;\n');
  });
});
