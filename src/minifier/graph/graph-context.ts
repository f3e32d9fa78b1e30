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
  /** The test case is a graph inside a node, see `bodies`: it may become empty. */
  readonly isInside: boolean;
  /** What each value of a test case is; recorded once. */
  values(testCase: GraphCase): Promise<Values>;
  /** Says that all values of `child` are as in its parent. */
  inherit(child: GraphCase, parent: GraphCase): void;
  /** Says that all values of `later` are as in `earlier`, if those were recorded or inherited. */
  follow(later: GraphCase, earlier: GraphCase): void;
}

/** What passes see of the problem, or of the part of it that a graph inside a node is. */
export type GraphProblem = Pick<Problem<GraphCase>, 'best' | 'firstFailing' | 'accepts'>;

export interface GraphPass extends ReductionPass<GraphCase, GraphContext> {
  run(problem: GraphProblem, context: GraphContext): Promise<void>;
}

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
    isInside: false,
    inherit: (child, parent) => {
      parents.set(child, parent);
    },
    follow: (later, earlier) => {
      if (recorded.has(earlier) || parents.has(earlier)) parents.set(later, earlier);
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
    const part = keepNodes(testCase, values, kept, { showsBorder, mayBeEmpty: context.isInside });
    if (part !== undefined) context.inherit(part, testCase);
    return part;
  };
}

/** A copy with another graph. */
export function withGraph(testCase: GraphCase, graph: Partial<GraphCase['model']['graph']>): GraphCase {
  return { ...testCase, model: { ...testCase.model, graph: { ...testCase.model.graph, ...graph } } };
}
