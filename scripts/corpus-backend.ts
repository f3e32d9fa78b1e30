/**
 * The backend module that the corpus runner loads into each program's process (its contract: export `setup`, leave the
 * backend active). One module for cpu, wasm and fullgraph, so that all are measured the same way: at the end of the
 * process it writes `tf.memory()` and fullgraph's counters to a file. Bundled to plain JavaScript before use.
 */
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { installFullgraph, type Fullgraph, type Tf } from '../bench/support/fullgraph.ts';
import type { CorpusJob, ProcessFacts } from './corpus-report.ts';

interface CaseInfo {
  readonly caseName: string;
  readonly corpus: string;
}

/** File that holds the facts of one case. */
export function factsFile(folder: string, caseName: string): string {
  return path.join(folder, `${caseName.replaceAll('/', '__')}.json`);
}

async function activate(tf: Tf, job: CorpusJob, info: CaseInfo): Promise<Fullgraph | undefined> {
  if (job.backend === 'cpu') await tf.setBackend('cpu');
  if (job.backend === 'wasm') {
    createRequire(path.join(info.corpus, 'package.json'))('@tensorflow/tfjs-backend-wasm');
    await tf.setBackend('wasm');
  }
  if (job.isHosted === true) await tf.setBackend('cpu');
  if (job.backend !== 'fullgraph' || job.isHosted === true) return undefined;
  const fullgraph = await installFullgraph(tf, { threads: job.threads, cacheDir: job.cacheDir });
  await tf.setBackend(fullgraph.backendName);
  return fullgraph;
}

/** Called by the runner before the program is loaded, with the program's own tfjs. */
export async function setup(tf: Tf, info: CaseInfo): Promise<void> {
  const job = JSON.parse(process.env['FULLGRAPH_CORPUS_JOB'] ?? '') as CorpusJob;
  const fullgraph = await activate(tf, job, info);
  // The runner leaves with `reallyExit`, which emits no 'exit' event.
  const host = process as unknown as { reallyExit: (code: number) => void };
  const exit = host.reallyExit.bind(process);
  host.reallyExit = (code) => {
    const { numTensors, numDataBuffers, numBytes } = tf.memory();
    const facts: ProcessFacts = {
      memory: { numTensors, numDataBuffers, numBytes },
      ...(fullgraph && { stats: fullgraph.stats() }),
    };
    if (job.isHosted === true) process.emit('exit', code);
    writeFileSync(factsFile(job.factsDir, info.caseName), JSON.stringify(facts));
    exit(code);
  };
}
