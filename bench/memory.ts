/**
 * `npm run bench:memory`: a long training run. Resident memory must be flat, tensor counts those of eager, and native
 * sessions neither grow in number nor outlive fullgraph. Every tenth batch is a short one, as at the end of an epoch.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { benchModels } from './models/index.ts';
import type { ModelInput, TrainingModel } from './models/define-model.ts';
import { prepareEnvironment, plainName, type Environment } from './support/contenders.ts';
import { hasFullgraph } from './support/fullgraph.ts';
import { judgeMemory, type MemorySample } from './support/memory-report.ts';

const usage = `Usage: npm run bench:memory -- [options]
  --backend fullgraph|wasm|cpu   what to train on (default: fullgraph)
  --model NAME                   training program (default: MLP)
  --steps N                      (default: 2000)
  --json FILE                    write the samples as JSON`;

const shortBatch = 7;
/** Steps of the eager run that the counts are compared with: they do not depend on the number of steps. */
const eagerSteps = 11;

/** The first rows of a batch. */
function head({ data, shape, dtype }: ModelInput, rows: number): ModelInput {
  const [batch = 1, ...rest] = shape;
  return { data: data.subarray(0, (data.length / batch) * rows), shape: [rows, ...rest], dtype };
}

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

async function train(
  { tf, fullgraph }: Environment,
  backend: string,
  model: TrainingModel,
  steps: number,
  onSample: (sample: MemorySample) => void,
): Promise<number> {
  await tf.setBackend(backend);
  const before = tf.memory();
  const step = model.build(tf);
  let loss = Number.NaN;
  const every = Math.max(1, Math.floor(steps / 40));
  for (let index = 1; index <= steps; index++) {
    const batch = model.makeBatch(index % 8);
    const rows = index % 10 === 0 ? shortBatch : (batch.x.shape[0] ?? 1);
    const [x, y] = [batch.x, batch.y].map((input) => {
      const { data, shape, dtype } = head(input, rows);
      return tf.tensor(data, [...shape], dtype);
    });
    loss = await step(x!, y!);
    tf.dispose([x!, y!]);
    if (index % every !== 0 && index !== steps) continue;
    collectGarbage();
    const { numTensors, numDataBuffers, numBytes } = tf.memory();
    const stats = backend === fullgraph?.backendName ? fullgraph.stats() : undefined;
    onSample({
      step: index,
      rssBytes: process.memoryUsage.rss(),
      heapBytes: process.memoryUsage().heapUsed,
      numTensors: numTensors - before.numTensors,
      numDataBuffers: numDataBuffers - before.numDataBuffers,
      numBytes: numBytes - before.numBytes,
      ...(stats && { liveSessions: stats.liveSessions }),
    });
  }
  return loss;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      backend: { type: 'string', default: 'fullgraph' },
      model: { type: 'string', default: 'MLP' },
      steps: { type: 'string', default: '2000' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const model = benchModels.find((candidate) => candidate.name === values.model);
  const { backend } = values;
  const isKnown = backend === 'fullgraph' || backend === 'wasm' || backend === 'cpu';
  if (values.help || !isKnown || model?.kind !== 'training') {
    console.log(usage);
    return values.help ? 0 : 2;
  }
  if (backend === 'fullgraph' && !hasFullgraph()) {
    console.error('This checkout has no src/session.ts, so there is no fullgraph backend to measure.');
    return 2;
  }
  const environment = await prepareEnvironment({ threads: 1, hasFullgraph: backend === 'fullgraph' });
  const steps = Number(values.steps);
  let eager: MemorySample | undefined;
  const eagerBackend = model.runsOnWasm ? plainName.wasm : plainName.cpu;
  await train(environment, eagerBackend, model, eagerSteps, (sample) => (eager = sample));
  const samples: MemorySample[] = [];
  const name = backend === 'fullgraph' ? environment.fullgraph!.backendName : plainName[backend];
  const start = performance.now();
  const loss = await train(environment, name, model, steps, (sample) => samples.push(sample));
  const seconds = (performance.now() - start) / 1000;
  environment.fullgraph?.dispose();
  const sessionsAfter = environment.fullgraph?.stats().liveSessions;

  const verdict = judgeMemory(samples);
  const last = samples.at(-1)!;
  const isEager = eager?.numTensors === last.numTensors && eager.numDataBuffers === last.numDataBuffers;
  const shown = samples.filter((_, index) => index % 5 === 4 || index === samples.length - 1);
  console.log(`${model.name}, ${steps} steps on ${backend} in ${seconds.toFixed(1)} s, last loss ${loss}\n`);
  console.log('| step | RSS | JS heap | tensors | data buffers | live sessions |');
  console.log('| ---: | ---: | ---: | ---: | ---: | ---: |');
  for (const { step, rssBytes, heapBytes, numTensors, numDataBuffers, liveSessions } of shown)
    console.log(
      `| ${[step, mebibytes(rssBytes), mebibytes(heapBytes), numTensors, numDataBuffers, liveSessions ?? '-'].join(' | ')} |`,
    );
  const lines: [boolean, string][] = [
    [verdict.isFlat, `resident memory grows by ${mebibytes(verdict.growthBytes)} over the settled run`],
    [verdict.areCountsConstant, 'tensor counts are constant'],
    [
      isEager,
      `${last.numTensors} tensors and ${last.numDataBuffers} buffers, eager has ${eager?.numTensors} and ${eager?.numDataBuffers}`,
    ],
    [verdict.areSessionsConstant, `${last.liveSessions ?? 0} live native sessions, constant`],
    [(sessionsAfter ?? 0) === 0, `${sessionsAfter ?? 0} live native sessions after disposal`],
  ];
  console.log(`\n${lines.map(([isMet, text]) => `- ${isMet ? 'met' : 'MISSED'}: ${text}`).join('\n')}`);
  if (values.json !== undefined) writeFileSync(values.json, JSON.stringify({ eager, samples }, null, 1));
  return lines.every(([isMet]) => isMet) ? 0 : 1;
}

const exitCode = await main();
// The wasm backend keeps the process alive.
process.exit(exitCode);
