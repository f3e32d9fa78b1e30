/**
 * `npm run bench:sizes`: networks that get a picture of another size in each call and resize it themselves, with the
 * weights that capture compiles into all of these graphs, and with weights as inputs. Processes take turns.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { benchModels } from './models/index.ts';
import { prepareEnvironment } from './support/contenders.ts';

const rounds = 3;
const warmupCalls = 40;
const calls = 100;

/** Mean milliseconds per call of sizes that were never seen before. */
async function measure(name: string): Promise<number> {
  const { tf, fullgraph } = await prepareEnvironment({ threads: 2, hasFullgraph: true });
  await tf.setBackend(fullgraph!.backendName);
  const model = benchModels.find((candidate) => candidate.name === name);
  if (model?.kind !== 'inference') throw new Error(`There is no network ${name}.`);
  const run = model.build(tf);
  const call = (height: number, width: number): void => {
    tf.tidy(() => {
      const picture = tf.ones<typeof tf.Rank.R4>([1, height, width, 3]);
      run(tf.image.resizeBilinear(picture, [224, 224])).dataSync();
    });
  };
  for (let index = 0; index < warmupCalls; index++) call(200 + index, 300 + index);
  const start = performance.now();
  for (let index = 0; index < calls; index++) call(300 + index, 200 + 2 * index);
  return (performance.now() - start) / calls;
}

function measureApart(name: string, freeze: boolean): number {
  const words = ['--no-warnings', '--import', 'tsx', fileURLToPath(import.meta.url), name];
  const env = { ...process.env, FULLGRAPH_OPTIONS: JSON.stringify({ freeze }) };
  const output = execFileSync(process.execPath, words, {
    encoding: 'utf8',
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return Number(output.trim().split('\n').at(-1));
}

const [name] = process.argv.slice(2);
if (name === undefined) {
  console.log('ms per call       weights inside  as inputs  ratio');
  for (const model of ['MobileNetV1', 'MobileNetV2', 'ResNet50']) {
    const least = { inside: Infinity, asInputs: Infinity };
    for (let round = 0; round < rounds; round++) {
      least.inside = Math.min(least.inside, measureApart(model, true));
      least.asInputs = Math.min(least.asInputs, measureApart(model, false));
    }
    const { inside, asInputs } = least;
    const figures = [
      inside.toFixed(1).padStart(14),
      asInputs.toFixed(1).padStart(9),
      (asInputs / inside).toFixed(2),
    ];
    console.log(model.padEnd(17), figures.join('  '));
  }
} else {
  console.log(await measure(name));
  process.exit(0);
}
