import { pathToFileURL } from 'node:url';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseMinifyOptions, type MinifyFlagValues } from '../../src/minifier/options.ts';

const parse = (values: MinifyFlagValues) => parseMinifyOptions('train.mjs', [], values, resolve('.'));

describe('parseMinifyOptions', () => {
  it('lets tolerances that were given judge alone', () => {
    expect(parse({})).toMatchObject({ isToleranceOnly: false, relativeTolerance: 1e-3 });
    expect(parse({ rtol: '1e-6' })).toMatchObject({ isToleranceOnly: true, relativeTolerance: 1e-6 });
    expect(parse({ atol: '0' })).toMatchObject({ isToleranceOnly: true, absoluteTolerance: 0 });
  });

  it('finds the module of --setup from the folder of the user', () => {
    const setup = join(resolve('.'), 'vitest.config.ts');
    expect(parse({ setup: './vitest.config.ts' }).setup).toEqual([pathToFileURL(setup).href]);
    expect(parse({ setup: 'acorn' }).setup[0]).toMatch(/^file:.*node_modules\/acorn\//);
    expect(() => parse({ setup: './nowhere.mjs' })).toThrow(
      expect.objectContaining({ code: 'FG4002' }) as Error,
    );
  });

  it('refuses what a flag does not take', () => {
    for (const values of [{ jobs: 'many' }, { fail: 'sometimes' }, { fail: 'slow' }, { budget: 'soon' }]) {
      expect(() => parse(values)).toThrow(expect.objectContaining({ code: 'FG4002' }) as Error);
    }
  });
});
