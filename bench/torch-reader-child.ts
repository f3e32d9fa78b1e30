/** Reads one PyTorch log to its last record and prints what it took, as JSON. Started by `torch-reader.ts`. */
import { readTorchTrace } from '../src/torch/index.ts';

async function main(): Promise<void> {
  const start = performance.now();
  let records = 0;
  let traceRecords = 0;
  const stream = readTorchTrace(process.argv[2]!, {
    onProgress: (progress) => void (records = progress.records),
  });
  for await (const record of stream) if (record.kind !== 'header') traceRecords++;
  const ms = performance.now() - start;
  const maxRssBytes = process.resourceUsage().maxRSS * 1024;
  console.log(JSON.stringify({ records, traceRecords, ms, maxRssBytes }));
}

await main();
