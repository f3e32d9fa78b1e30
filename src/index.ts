/** fullgraph as a library: capture a tfjs module, read traces, shrink failures. */
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
export { compile } from './compile-api.ts';
export type { AnyFunction, CompiledFunction, CompileMode, CompileOptions, ModelLike } from './compile-api.ts';
export { exportOnnx } from './export-onnx.ts';
export type { DynamicAxes, ExportedModel, ExportOptions } from './export-onnx.ts';
export type { ExampleInputs, ExportSource, TensorLike } from './export/export-target.ts';
export type { ModelSummary, NamedValue } from './export/summarize-model.ts';
export { encodeModel } from './onnx/index.ts';
export type { OnnxModel } from './onnx/index.ts';
export type { Backend, Compiled, CompileReport, Executable } from './compile/executable.ts';
export { buildReport, createReportBuilder } from './explain/report-builder.ts';
export type { Report } from './explain/report.ts';
export { minifyProgram } from './minifier/minify-program.ts';
export type { MinifyResult, MinifyRun } from './minifier/minify-program.ts';
export type { MinifyOptions } from './minifier/options.ts';
export { readTorchTrace } from './torch/index.ts';
export type { Graph } from './ir/graph.ts';
export type { TraceRecord } from './ir/record.ts';
