/** `minify`: a program or an .onnx model that fails → the smallest one that still fails the same way. */
import { minifyOnnx, type MinifyOnnxOptions, type MinifyOnnxRun } from './minifier/graph/minify-onnx.ts';
import { minifyProgram, type MinifyRun } from './minifier/minify-program.ts';
import { parseMinifyOptions, type MinifyOptions } from './minifier/options.ts';

/** Ends it soon, with the best so far, when it is aborted. */
interface Control {
  readonly signal?: AbortSignal;
}

export type MinifyProgramSettings = Partial<Omit<MinifyOptions, 'input'>> & Control;
export type MinifyModelSettings = Partial<Omit<MinifyOnnxOptions, 'input'>> & Control;

/**
 * Starts a minification. Iterate over it for its records as they come; `result` is its end: the folder with the repro, and
 * whether it was verified there.
 * @param input path of a program, or of a model whose name ends in `.onnx`.
 * @throws (from `result` and the iteration) FG4001 to FG4006.
 */
export function minify(input: `${string}.onnx`, settings?: MinifyModelSettings): MinifyOnnxRun;
export function minify(input: string, settings?: MinifyProgramSettings): MinifyRun;
export function minify(
  input: string,
  { signal, ...settings }: MinifyProgramSettings | MinifyModelSettings = {},
): MinifyRun | MinifyOnnxRun {
  const control = signal === undefined ? {} : { signal };
  const cwd = settings.cwd ?? process.cwd();
  if (input.endsWith('.onnx')) {
    return minifyOnnx({ ...(settings as MinifyModelSettings), cwd, input }, control);
  }
  const defaults = parseMinifyOptions(input, [], {}, cwd);
  return minifyProgram({ ...defaults, ...(settings as MinifyProgramSettings) }, control);
}
