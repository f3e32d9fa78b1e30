/** PyTorch traces: TORCH_TRACE logs in, the records of fullgraph's own traces out. */
import type { TraceRecord } from '../ir/record.ts';
import { emitTrace } from './emit-trace.ts';
import { foldTrace, type ReadOptions } from './fold-trace.ts';
import { scrubRecords } from './scrub.ts';

export { torchBreakReasons, torchBreakUrl, type TorchBreakReason } from './break-reasons.ts';
export { toPerfetto } from './chromium.ts';
export { loadText } from './load-text.ts';
export type { ReadOptions, ReadProgress } from './fold-trace.ts';
export { saveRunnables } from './save-runnables.ts';
export { scrubRecords } from './scrub.ts';
export { isTorchTrace } from './trace-files.ts';

export interface TorchTraceOptions extends ReadOptions {
  /** Leave out source text and paths, so that the result can be given away. */
  readonly scrub?: boolean;
}

/**
 * Records of the traces at these paths: log files, `.gz`, directories with a log per rank, or `-` for standard input.
 * Logs are read whole before the first record comes, because what a break cost is known only at the end.
 * @throws FG5101, FG5102 when there is nothing to read. Damage in a log becomes note records.
 */
export async function* readTorchTrace(
  paths: string | readonly string[],
  options: TorchTraceOptions = {},
): AsyncGenerator<TraceRecord> {
  const list = typeof paths === 'string' ? [paths] : paths;
  const records = emitTrace(await foldTrace(list, options), list);
  yield* options.scrub === true ? scrubRecords(records) : records;
}
