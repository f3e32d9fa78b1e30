/** Inputs become constants of the model: nothing has to be fed. */
import { acceptEdits, type GraphEdit } from '../graph-edits.ts';
import { defineGraphPass, withGraph, type GraphPass } from '../graph-context.ts';

const name = 'inputs-to-initializers';

function asConstant(input: string): GraphEdit {
  return (testCase) => {
    const value = testCase.inputs.get(input);
    if (value === undefined) return undefined;
    const inputs = new Map(testCase.inputs);
    inputs.delete(input);
    const { graph } = testCase.model;
    return withGraph(
      { ...testCase, inputs },
      {
        inputs: graph.inputs.filter((info) => info.name !== input),
        // The value that was fed, not the default.
        initializers: [
          ...graph.initializers.filter((tensor) => tensor.name !== input),
          { ...value, name: input },
        ],
      },
    );
  };
}

export const inputsToInitializers: GraphPass = defineGraphPass({
  name,
  title: 'inputs',
  tier: 1,
  run: (problem, context) =>
    acceptEdits(problem, name, [...problem.best.inputs.keys()].map(asConstant), (before, after) =>
      context.inherit(after, before),
    ),
});
