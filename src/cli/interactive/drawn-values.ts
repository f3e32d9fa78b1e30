/** On which values a search of the minifier runs a graph: said in the UI, because it decides what can be found. */

/** A failure that needs the weights of the run cannot come up in a graph of a trace. */
export const drawnForTrace =
  'on values drawn from the seed: a trace holds shapes and short constants, no weights and no inputs';

/** @param inputs file that the user named. */
export function drawnForModel(inputs?: string): string {
  return inputs === undefined
    ? 'on inputs drawn from the seed; `fullgraph minify model.onnx --inputs values.npz` takes yours'
    : `on the inputs of ${inputs}`;
}
