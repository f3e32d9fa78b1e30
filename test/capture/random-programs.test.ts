import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, it, vi } from 'vitest';
import { createFrameResolver } from '../../src/host/frames.ts';
import { opTable } from '../../src/compile/ops/index.ts';
import type { CostModel } from '../../src/compile/tier-costs.ts';
import { createTieredBackend } from '../../src/compile/tiers.ts';
import { registerBackend } from '../../src/session.ts';
import { createParanoidBackend } from './support/paranoid-backend.ts';
import { anyStep, expectSame, propertyTimeoutMs, runsOf, toProgram } from './support/random-programs.ts';

vi.setConfig({ testTimeout: propertyTimeoutMs });

const nothing = { perGraph: 0, perValue: 0, perCall: 0, perElement: 0, perProduct: 0 };

const steps = fc.array(anyStep, { minLength: 1, maxLength: 40 });
const parts = [
  fc.array(anyStep, { maxLength: 8 }),
  fc.array(anyStep, { minLength: 1, maxLength: 14 }),
] as const;

/** Tiers over a backend that relies on everything it may. */
function registerTiered(name: string, model: CostModel): void {
  registerBackend(name, (context) =>
    createTieredBackend(createParanoidBackend(context, { promotes: true }), opTable, context.now, model),
  );
}

describe('any program', () => {
  it('observes the same values, errors and memory when captured', async () => {
    const property = fc.asyncProperty(steps, (all) => expectSame(toProgram(all)));
    await fc.assert(property, { numRuns: runsOf(150) });
  });

  it('observes the same however small the pieces are that it is cut into', async () => {
    const property = fc.asyncProperty(steps, fc.integer({ min: 1, max: 6 }), (all, maxNodes) =>
      expectSame(toProgram(all), { maxNodes }),
    );
    await fc.assert(property, { numRuns: runsOf(60) });
  });

  it.each([true, false])(
    'observes the same when its stacks are looked up, with facts: %s',
    async (instrument) => {
      const frames = createFrameResolver({
        ownRoot: fileURLToPath(new URL('../../src/', import.meta.url)),
        instrument,
        onSource: () => undefined,
      });
      const property = fc.asyncProperty(...parts, (prelude, body) =>
        expectSame(toProgram(prelude, body, 3), { frames, explain: true }),
      );
      await fc.assert(property, { numRuns: runsOf(40) });
    },
  );

  it('never runs a graph under facts that it was not compiled for', async () => {
    registerBackend('paranoid', (context) => createParanoidBackend(context, { promotes: true }));
    const property = fc.asyncProperty(...parts, (prelude, body) =>
      expectSame(toProgram(prelude, body, 5), { backend: 'paranoid' }),
    );
    await fc.assert(property, { numRuns: runsOf(80) });
  });

  it('finds no wrong graph when no constant is ever promoted', async () => {
    registerBackend('rigid', (context) => createParanoidBackend(context, { promotes: false }));
    const property = fc.asyncProperty(...parts, (prelude, body) =>
      expectSame(toProgram(prelude, body, 4), { backend: 'rigid', recompileLimit: 2 }),
    );
    await fc.assert(property, { numRuns: runsOf(60) });
  });

  it('observes the same while its graphs go from closures to code that relies on what it may', async () => {
    const eagerToCompile: CostModel = {
      compile: { perGraph: 0.002, perCall: 0 },
      recompile: nothing,
      closures: { ...nothing, perCall: 0.0005 },
      native: nothing,
    };
    registerTiered('tiered', eagerToCompile);
    const property = fc.asyncProperty(...parts, (prelude, body) =>
      expectSame(toProgram(prelude, body, 6), { backend: 'tiered' }),
    );
    await fc.assert(property, { numRuns: runsOf(100) });
  });

  it.each([true, false])('observes the same as closures alone, as graphs at once: %s', async (isRecorded) => {
    const neverCompile: CostModel = {
      compile: { perGraph: Infinity, perCall: 0 },
      recompile: nothing,
      closures: nothing,
      native: nothing,
    };
    registerTiered('closures', neverCompile);
    const property = fc.asyncProperty(...parts, (prelude, body) =>
      expectSame(toProgram(prelude, body, 3), { backend: 'closures', isRecorded }),
    );
    await fc.assert(property, { numRuns: runsOf(100) });
  });
});
