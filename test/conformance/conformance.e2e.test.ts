import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const session = fileURLToPath(new URL('./support/fragile-session.ts', import.meta.url));

function runConformance(...options: string[]): { status: number | null; lines: string[] } {
  const { status, stdout } = spawnSync(
    process.execPath,
    ['--import', 'tsx', 'scripts/conformance.ts', ...options],
    { cwd: root, encoding: 'utf8', env: { ...process.env, FULLGRAPH_SESSION: session } },
  );
  return { status, lines: stdout.trimEnd().split('\n') };
}

describe('npm run conformance', () => {
  it('goes on behind specs that kill the process, and fails', () => {
    const { status, lines } = runConformance('--grep', '^(sign|sinh) node|^tan node .* (basic|propagates)');
    expect(status).toBe(1);
    const text = lines.join('\n');
    expect(text).toMatch(/FAILED tan node \{\} basic\n {4}The process died: exit SIGKILL/);
    expect(text).toMatch(/FAILED sinh node \{\} basic\n {4}Error: Sinh is broken/);
    expect(text).not.toContain('FAILED sign');
    const [, passed, failed] = /^(\d+) passed, (\d+) failed$/.exec(lines.at(-1) ?? '') ?? [];
    expect(Number(failed)).toBeGreaterThan(4);
    expect(Number(passed)).toBeGreaterThan(4);
  });

  it('accepts a backend that passes what cpu passes', () => {
    const { status, lines } = runConformance('--grep', '^sign node', '--jobs', '2');
    expect(lines.at(-1)).toBe('9 passed, 0 failed');
    expect(lines[1]).toBe('cpu passes 9 of the same specs');
    expect(status).toBe(0);
  });
});
