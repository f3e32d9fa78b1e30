/** The minifier's public face: from something that fails to a folder with the smallest thing that still fails the same way. */
export { formatSignature, signatureKey, type FailureKind, type Signature, type Verdict } from './verdict.ts';
export { minifyFlags, parseMinifyOptions, type MinifyFlag, type MinifyOptions } from './options.ts';
export { minifyProgram, type MinifyResult, type MinifyRun } from './minify-program.ts';
export { parseBudget, type Budget } from './budget.ts';
