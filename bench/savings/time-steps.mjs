/** Runs a step many times and prints the median of its time: what `bench/savings.ts` reads. */

/** Whether to run the program as its author mended it. */
export const isFixed = process.argv[2] === 'fixed';

/** @param {() => void} step */
export function timeSteps(step) {
  const steps = 600;
  const times = [];
  for (let index = 0; index < steps; index++) {
    const start = performance.now();
    step();
    times.push(performance.now() - start);
  }
  times.sort((left, right) => left - right);
  console.log(JSON.stringify({ steps, medianMs: times[steps >> 1] }));
}
