/**
 * What the minifier and its child processes say to each other: one request, one report, both plain JSON. A child that
 * dies cannot report; what it was doing is then read from its black box (`black-box.ts`).
 */

import type { Judgement } from './judge.ts';

export interface ProgramFile {
  readonly path: string;
  readonly format: 'module' | 'commonjs';
  readonly text: string;
}

/** Things to look for while the program runs. */
export interface ProgramChecks {
  /** Compare each kernel's result with this backend's result for the same inputs. */
  readonly reference?: string;
  /** Under capture: compile each kernel call by itself and compare its result with the kernel's that was captured. */
  readonly eachKernel?: boolean;
  readonly relativeTolerance: number;
  readonly absoluteTolerance: number;
  /** Follow NaN and infinities from the kernel that made them to the reads that saw them. */
  readonly nan: boolean;
  /** Keep what the program read from tensors. */
  readonly reads: boolean;
  /**
   * Double precision. `kernels`: judges where a kernel differs from the reference's. `run`: is kept beside what the program
   * read. Default: not used.
   */
  readonly exact?: 'kernels' | 'run';
}

/** How a program is captured and compiled, and what of it is left out. */
export interface CaptureSettings {
  /** One of our backends: `onnxruntime`, `eager`, `fault-wrong`. */
  readonly backend: string;
  readonly device?: string;
  readonly replay?: boolean;
  readonly freeze?: boolean;
  /** Passes of ours that do not run. */
  readonly disabledPasses?: readonly string[];
  /** The only level of onnxruntime's optimizer that is tried. */
  readonly optimizationLevel?: 'disabled' | 'basic' | 'extended' | 'layout' | 'all';
  readonly disabledOptimizers?: readonly string[];
  /** Folder that receives what onnxruntime gets: the n-th model, its set-up, the values that it ran on last. */
  readonly modelFolder?: string;
}

/** Files of the n-th model in {@link CaptureSettings.modelFolder}. */
export function modelFiles(
  folder: string,
  n: number,
): Readonly<Record<'model' | 'setup' | 'inputs', string>> {
  return { model: `${folder}/${n}.onnx`, setup: `${folder}/${n}.json`, inputs: `${folder}/${n}.npz` };
}

/** How a model in {@link CaptureSettings.modelFolder} was run. */
export interface ModelSetup {
  readonly level: NonNullable<CaptureSettings['optimizationLevel']>;
  readonly disabledOptimizers: readonly string[];
}

/** A program under capture, until `end`. */
export interface CapturedProgram {
  /** Packages were loaded. */
  refresh(): void;
  end(): void;
}

/** What the module exports that {@link RunRequest.capture} names. */
export interface CaptureModule {
  /** tfjs backend that has the kernels which are captured. */
  readonly eagerBackend: string;
  /** Names of our passes. */
  readonly passes: readonly string[];
  /** Captures what the program at `place` does from now on; `undefined` when it has no tfjs. */
  captureProgram(place: string, settings: CaptureSettings): CapturedProgram | undefined;
}

export interface RunRequest {
  readonly kind: 'run';
  /** Absolute folder that file paths are relative to. */
  readonly root: string;
  readonly entry: string;
  readonly files: readonly ProgramFile[];
  readonly arguments: readonly string[];
  /** Backend that the program gets, whatever it asks for. */
  readonly backend?: string;
  /** URLs of modules that are loaded before the program. */
  readonly setup: readonly string[];
  /** Run it under capture and compile, which is what this module does. */
  readonly capture?: { readonly module: string; readonly settings: CaptureSettings };
  readonly seed: number;
  readonly checks?: ProgramChecks;
  readonly wantsCoverage?: boolean;
  readonly wantsObservations?: boolean;
  /** Record the arguments of the tfjs operation with this sequence number, or of whichever fails. */
  readonly wantsOps?: OpRecording;
}

export interface OpRecording {
  /** Sequence number of the op to dump to the black box before it runs, for failures that kill the process. */
  readonly dumpAt?: number;
  /** Elements above which a tensor's values are not recorded. */
  readonly maxElements: number;
}

export interface ReportedError {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  /** Of our own errors: `FG3202`. */
  readonly code?: string;
}

export interface Divergence {
  readonly kernel: string;
  /** `value`: two finite numbers differ. `infinite`, `nan`: one is finite, the other is not. */
  readonly what: 'value' | 'infinite' | 'nan' | 'shape' | 'dtype';
  readonly hasFiniteInputs: boolean;
  /** Largest difference, and the two values there. */
  readonly maxError: number;
  readonly actual: string;
  readonly expected: string;
  /** Sequence number of the innermost op. */
  readonly op: number;
  /** By double precision, where there was any. */
  readonly judgement?: Judgement;
}

export interface NanSighting {
  /** Kernel that made NaN out of numbers. */
  readonly kernel: string;
  /** Kernel that first left the finite numbers on the way there. */
  readonly origin: string;
  readonly isRead: boolean;
  readonly op: number;
}

export interface Coverage {
  readonly path: string;
  /** V8's block ranges: nested, the innermost one that holds an offset tells its count. */
  readonly ranges: readonly { readonly start: number; readonly end: number; readonly count: number }[];
}

/** A primitive value as JSON can carry it. */
export type ObservedValue = string | number | boolean | null | { readonly special: string };

/** What an instrumented expression evaluated to. */
export interface ObservedSite {
  readonly id: number;
  /** `typeof`s seen, with `null` and `array` told apart from `object`. */
  readonly types: readonly string[];
  /** Its value, when it was the same primitive each time. */
  readonly value?: ObservedValue;
}

export interface RunReport {
  readonly kind: 'report';
  readonly ending: 'done' | 'threw' | 'exited' | 'unsettled' | 'harness';
  readonly error?: ReportedError;
  readonly exitCode?: number;
  /** Last lines of standard error. */
  readonly output: string;
  readonly lastOp: string;
  readonly durationMs: number;
  readonly divergences?: readonly Divergence[];
  readonly nans?: readonly NanSighting[];
  readonly reads?: readonly Read[];
  /** Double precision, where it was asked for: kernels that it was not possible for, or why there was none at all. */
  readonly inexact?: { readonly kernels: readonly string[]; readonly reason?: string };
  readonly coverage?: readonly Coverage[];
  readonly observations?: readonly ObservedSite[];
  readonly recording?: Recording;
  /** Names of our passes, of a program under capture. */
  readonly passes?: readonly string[];
  /** State that could reach the next trial was left behind. */
  readonly needsRestart: boolean;
}

/** Something the program read from a tensor. */
export interface Read {
  readonly dtype: string;
  readonly shape: readonly number[];
  /** At most the first few thousand; infinities and NaN as strings. */
  readonly values: readonly (number | string)[];
  /** The same in double precision; absent for what the program wrote itself. */
  readonly exact?: readonly (number | string)[];
}

/** The calls around a failure, and what the public functions of tfjs are called. */
export interface Recording {
  /** The failing call, its callers and the calls that its inputs come from, in order. */
  readonly ops: readonly RecordedOp[];
  /** Sequence number of the failing call. */
  readonly failed: number;
  /** Package that exports them, and by name of the operation the path of its export: `image.resizeBilinear`. */
  readonly library: { readonly specifier: string; readonly paths: Readonly<Record<string, string>> };
}

/** One call of a tfjs operation or kernel, as it was made. */
export interface RecordedOp {
  readonly sequence: number;
  /** `op`: a public tfjs function. `kernel`: below the public functions. */
  readonly level: 'op' | 'kernel';
  readonly name: string;
  /** Sequence number of the call that made this one; -1 at the top. */
  readonly parent: number;
  readonly arguments: readonly RecordedValue[];
  /** Ids of the tensors that it returned, when it did. */
  readonly results: readonly number[];
  readonly hasFailed: boolean;
}

export type RecordedValue =
  | { readonly kind: 'json'; readonly value: unknown }
  | { readonly kind: 'undefined' }
  | { readonly kind: 'number'; readonly value: string }
  | {
      readonly kind: 'tensor';
      readonly id: number;
      readonly dtype: string;
      readonly shape: readonly number[];
      readonly values?: readonly (number | string | boolean)[];
    }
  | { readonly kind: 'list'; readonly items: readonly RecordedValue[] }
  | { readonly kind: 'object'; readonly entries: readonly (readonly [string, RecordedValue])[] }
  | { readonly kind: 'opaque'; readonly type: string };
