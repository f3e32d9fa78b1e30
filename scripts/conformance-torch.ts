/**
 * `npm run conformance:torch [folder]`: every PyTorch log of a folder against what tlparse, a reference parser, PyTorch's
 * counters and TORCH_LOGS say about it. Prints one row per log, each disagreement, and a last line `N passed, N failed`.
 */
import {
  findSubjects,
  isEqual,
  runSubject,
  sharedTraces,
  type Check,
} from '../test/torch/support/ground-truth.ts';

const maxShown = 600;

function shorten(value: unknown): string {
  const text = JSON.stringify(value) ?? 'undefined';
  return text.length > maxShown ? `${text.slice(0, maxShown)}...` : text;
}

/** The part of two values that differs, when both are lists or both are objects. */
function difference({ expected, actual }: Check): { readonly expected: unknown; readonly actual: unknown } {
  if (Array.isArray(expected) && Array.isArray(actual)) {
    const left = expected.map((item) => JSON.stringify(item));
    const right = actual.map((item) => JSON.stringify(item));
    return {
      expected: left.filter((item) => !right.includes(item)),
      actual: right.filter((item) => !left.includes(item)),
    };
  }
  if (expected !== null && actual !== null && typeof expected === 'object' && typeof actual === 'object') {
    const [left, right] = [expected as Record<string, unknown>, actual as Record<string, unknown>];
    const keys = [...new Set([...Object.keys(left), ...Object.keys(right)])].filter(
      (key) => left[key] !== right[key],
    );
    const pick = (from: Record<string, unknown>): unknown =>
      Object.fromEntries(keys.map((key) => [key, from[key]]));
    return { expected: pick(left), actual: pick(right) };
  }
  return { expected, actual };
}

async function main(): Promise<void> {
  const folder = process.argv[2] ?? sharedTraces;
  const subjects = findSubjects(folder);
  if (subjects.length === 0) throw new Error(`There are no logs with truth files in ${folder}.`);
  let passed = 0;
  let failed = 0;
  console.log(`${'log'.padEnd(52)} ${'checks'.padStart(6)} ${'failed'.padStart(6)} ${'ms'.padStart(6)}`);
  for (const subject of subjects) {
    const start = performance.now();
    const checks = await runSubject(subject);
    const wrong = checks.filter((check) => !isEqual(check));
    passed += checks.length - wrong.length;
    failed += wrong.length;
    const elapsed = (performance.now() - start).toFixed(0);
    console.log(
      `${subject.name.padEnd(52)} ${String(checks.length).padStart(6)} ${String(wrong.length).padStart(6)} ${elapsed.padStart(6)}`,
    );
    for (const check of wrong) {
      const { expected, actual } = difference(check);
      console.log(`  ${check.name}\n    expected ${shorten(expected)}\n    actual   ${shorten(actual)}`);
    }
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
}

await main();
