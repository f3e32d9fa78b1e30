/** A program in which no tfjs was found: codes of the notes in its trace, in words for the user. */

export interface AbsentTfjs {
  readonly code: string;
  /** Sentence about `the program`. */
  readonly text: string;
  readonly hint: string;
}

export const noTfjs: AbsentTfjs = {
  code: 'FG5004',
  text: 'the program loaded no TensorFlow.js',
  hint: 'Check that it imports @tensorflow/tfjs on the path that ran, and that the package is installed: npm install @tensorflow/tfjs',
};

/** A bundler put tfjs into the program's own file. */
export const bundledTfjs: AbsentTfjs = {
  code: 'FG5028',
  text: 'the program has TensorFlow.js inside its own bundle, where nothing can be captured',
  hint: 'Leave it out of the bundle: `esbuild --external:@tensorflow/*`, or `externals` of webpack and rollup; or start the sources.',
};

/** Every copy of tfjs keeps its engine there; only one that came through a tfjs package can be captured. */
export function findAbsentTfjs(): AbsentTfjs {
  return '_tfengine' in globalThis ? bundledTfjs : noTfjs;
}

/** The program asks for tfjs-node, and there is nothing to make the stand-in of. */
export const standInWithoutTfjs =
  'tfjs-node is replaced by a stand-in made of @tensorflow/tfjs, which is not installed: npm install @tensorflow/tfjs';
