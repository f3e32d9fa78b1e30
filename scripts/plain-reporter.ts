/** A vitest reporter that closes with one plain line, `N passed, N failed`, for machines that read logs. */
import type { Reporter, TestModule } from 'vitest/node';

export class PlainReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    let passed = 0;
    let failed = unhandledErrors.length;
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') passed++;
        else if (state === 'failed') failed++;
      }
      // A file that cannot even be loaded has no tests to count.
      failed += module.errors().length;
    }
    console.log(`${passed} passed, ${failed} failed`);
  }
}
