/** What the passes share: recorded values of test cases, and the type of a graph pass. */
import { definePass, type ReductionPass } from '../define-pass.ts';
import type { Problem } from '../problem.ts';
import type { GraphCase } from './graph-case.ts';
import { keepNodes, type Values } from './graph-cut.ts';

export interface GraphContext {
  /** The failure's message, as onnxruntime wrote it; empty when it says nothing about where. */
  readonly message: string;
  /** Names of nodes say where they came from. */
  readonly keepsNodeNames: boolean;
  /** What each value of a test case is; recorded once. */
  values(testCase: GraphCase): Promise<Values>;
  /** Says that all values of `child` are as in its parent. */
  inherit(child: GraphCase, parent: GraphCase): void;
}

export type GraphProblem = Problem<GraphCase>;
export type GraphPass = ReductionPass<GraphCase, GraphContext>;

/** The pass, typed. */
export function defineGraphPass(pass: GraphPass): GraphPass {
  return definePass(pass);
}

/** A context that records with `capture`. */
export function createGraphContext(
  capture: (testCase: GraphCase) => Promise<Values>,
  { message = '', keepsNodeNames = false }: Partial<Pick<GraphContext, 'message' | 'keepsNodeNames'>> = {},
): GraphContext {
  const recorded = new WeakMap<GraphCase, Promise<Values>>();
  const parents = new WeakMap<GraphCase, GraphCase>();
  const values = (testCase: GraphCase): Promise<Values> => {
    const known = recorded.get(testCase);
    if (known !== undefined) return known;
    const parent = parents.get(testCase);
    const made = parent === undefined ? capture(testCase) : values(parent);
    recorded.set(testCase, made);
    return made;
  };
  return {
    message,
    keepsNodeNames,
    values,
    inherit: (child, parent) => {
      parents.set(child, parent);
    },
  };
}

/** The part of a test case that these nodes are, values kept. See {@link keepNodes} for the border. */
export async function cutter(
  testCase: GraphCase,
  context: GraphContext,
  showsBorder = false,
): Promise<(kept: ReadonlySet<number>) => GraphCase | undefined> {
  const values = await context.values(testCase);
  return (kept) => {
    const part = keepNodes(testCase, values, kept, showsBorder);
    if (part !== undefined) context.inherit(part, testCase);
    return part;
  };
}

/** A copy with another graph. */
export function withGraph(testCase: GraphCase, graph: Partial<GraphCase['model']['graph']>): GraphCase {
  return { ...testCase, model: { ...testCase.model, graph: { ...testCase.model.graph, ...graph } } };
}
