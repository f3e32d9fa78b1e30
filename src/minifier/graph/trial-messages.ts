/**
 * What the minifier and its onnxruntime processes say to each other: one model with its inputs, run in up to three
 * set-ups. The child compares; only a summary comes back, unless values are asked for.
 */
import type { NumericArray, OnnxModel, OnnxString } from '../../onnx/index.ts';

export type OptimizationLevel = 'disabled' | 'basic' | 'extended' | 'layout' | 'all';

/** One way to run a model. */
export interface Setup {
  /** Our own evaluator in place of onnxruntime; the rest then says nothing. */
  readonly engine?: 'evaluator';
  readonly level: OptimizationLevel;
  /** Names of optimizer passes that must not run. */
  readonly disabledOptimizers?: readonly string[];
  /** File or folder from which onnxruntime-node is looked up. */
  readonly resolveFrom: string;
  readonly device?: string;
}

export interface TrialTensor {
  readonly name: string;
  /** onnxruntime's name of the element type. */
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: NumericArray | readonly OnnxString[];
}

export interface Tolerance {
  readonly relative: number;
  readonly absolute: number;
}

export interface TrialRequest {
  readonly model: Uint8Array;
  readonly inputs: readonly TrialTensor[];
  /** The model as data, where our evaluator may be asked. */
  readonly data?: OnnxModel;
  /** Runs first; the subject is compared with it. */
  readonly reference?: Setup;
  /** What the reference gave, when it ran in another process; the subject is compared with it. */
  readonly expected?: readonly TrialTensor[];
  /** The set-up that is suspected. */
  readonly subject?: Setup;
  /** Runs only when the subject failed: whether it fails here, too. */
  readonly cure?: Setup;
  readonly tolerance: Tolerance;
  /** The same model in double precision, to tell rounding from wrong numbers. */
  readonly exact?: { readonly model: Uint8Array; readonly inputs: readonly TrialTensor[] };
  /** Names of the reference's outputs to send back; all with `true`. */
  readonly wantsValues?: boolean;
  /** Prints what the optimizer does while the subject's session is made. */
  readonly isVerbose?: boolean;
}

/** How two runs of one model differ. */
export interface Difference {
  readonly kind: 'nan' | 'diverge' | 'shape';
  readonly output: string;
  /** Largest difference in units of the tolerance; NaN when it is not a number. */
  readonly excess: number;
  readonly maxError: number;
  /** Row-major position of the worst element. */
  readonly index: number;
  readonly expected: number;
  readonly actual: number;
  readonly differing: number;
  readonly elements: number;
}

export type SetupOutcome =
  | { readonly kind: 'ok'; readonly difference?: Difference }
  | { readonly kind: 'error'; readonly phase: Phase; readonly message: string };

/** `load`: onnxruntime itself could not be loaded. */
export type Phase = 'load' | 'create' | 'run';

export interface TrialReport {
  readonly reference?: SetupOutcome;
  readonly subject?: SetupOutcome;
  readonly cure?: SetupOutcome;
  readonly values?: readonly TrialTensor[];
  /** Version of onnxruntime that ran the subject. */
  readonly version: string;
}
