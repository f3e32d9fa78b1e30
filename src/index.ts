/**
 * fullgraph as a library: `compile` models and functions of a TensorFlow.js program, `explain` its graph breaks, `minify` its
 * failures, `exportOnnx` its models; `install` to capture a program as a whole.
 */
export { compile } from './compile-api.ts';
export type { AnyFunction, CompiledFunction, CompileMode, CompileOptions, ModelLike } from './compile-api.ts';

export { explain } from './explain-api.ts';
export type { ExplainOptions } from './explain-api.ts';
export { buildReport, createReportBuilder } from './explain/report-builder.ts';
export type { Report } from './explain/report.ts';
export { readTorchTrace } from './torch/index.ts';

export { minify } from './minify-api.ts';
export type { MinifyModelSettings, MinifyProgramSettings } from './minify-api.ts';
export type { MinifyOnnxResult, MinifyOnnxRun } from './minifier/graph/minify-onnx.ts';
export type { MinifyResult, MinifyRun } from './minifier/minify-program.ts';

export { exportOnnx } from './export-onnx.ts';
export type { DynamicAxes, ExportedModel, ExportOptions } from './export-onnx.ts';
export type { ExampleInputs, ExportSource, TensorLike } from './export/export-target.ts';
export type { ModelSummary, NamedValue } from './export/summarize-model.ts';
export { encodeModel } from './onnx/index.ts';
export type { OnnxModel } from './onnx/index.ts';

export { install, listBackends, registerBackend } from './session.ts';
export type {
  BackendContext,
  BackendFactory,
  BackendInfo,
  Session,
  SessionOptions,
  SessionStats,
  TfjsCore,
} from './session.ts';
export type { Backend, Compiled, CompileReport, Executable } from './ir/executable.ts';

export { FullgraphError, GraphBreakError } from './ir/errors.ts';
export type { Graph } from './ir/graph.ts';
export type { TraceRecord } from './ir/record.ts';
