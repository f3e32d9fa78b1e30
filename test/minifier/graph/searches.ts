/** Searches of the tests of one file, in a folder that goes when they are done. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import {
  minifyOnnx,
  type MinifyOnnxOptions,
  type MinifyOnnxResult,
} from '../../../src/minifier/graph/minify-onnx.ts';

/** For tests that search: others may keep the machine busy. */
export const timeoutMs = 120_000;

export interface Searches {
  readonly folder: string;
  minify(options: Partial<MinifyOnnxOptions>): Promise<MinifyOnnxResult>;
}

/** Without state on disk, one trial at a time, unless the defaults or the options of a search say otherwise. */
export function searchesOf(name: string, defaults: Partial<MinifyOnnxOptions> = {}): Searches {
  const folder = mkdtempSync(join(tmpdir(), `fullgraph-${name}-`));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return {
    folder,
    minify: (options) =>
      minifyOnnx({
        input: `${name}.onnx`,
        cwd: folder,
        jobs: 1,
        stateDirectory: false,
        outputDirectory: join(folder, 'repro'),
        ...defaults,
        ...options,
      }).result,
  };
}
