import { defineConfig, type ViteUserConfig } from 'vitest/config';
import { PlainReporter } from './scripts/plain-reporter.ts';

/**
 * `fast`: no native code, no child process. `native`: onnxruntime. `e2e`: the real CLI and a real pseudo-terminal.
 * A test names its project by its file ending: `.test.ts(x)`, `.native.test.ts`, `.e2e.test.ts`.
 */
const config: ViteUserConfig = defineConfig({
  test: {
    testTimeout: 30_000,
    reporters: ['default', new PlainReporter()],
    projects: [
      {
        extends: true,
        test: {
          name: 'fast',
          include: ['test/**/*.test.{ts,tsx}'],
          exclude: ['test/**/*.{native,e2e}.test.ts'],
        },
      },
      { extends: true, test: { name: 'native', include: ['test/**/*.native.test.ts'], pool: 'forks' } },
      {
        extends: true,
        test: {
          name: 'e2e',
          globalSetup: ['test/support/build-dist.ts'],
          include: ['test/**/*.e2e.test.ts'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 120_000,
        },
      },
    ],
  },
});

export default config;
