import * as tfjs from '@tensorflow/tfjs';
import type { Tensor } from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compile, registerBackend, type AnyFunction, type CompiledFunction } from '../../src/index.ts';
import { findSession } from '../../src/session.ts';
import { createParanoidBackend } from '../capture/support/paranoid-backend.ts';
import { runsOf } from '../capture/support/random-programs.ts';
import {
  anyAction,
  anyFunction,
  functionText,
  type Action,
  type FunctionPlan,
  type Surroundings,
} from './support/random-functions.ts';

tfjs.env().set('IS_NODE', false);

type Call = (x: Tensor, y: number) => unknown;

function makeFunction(plan: FunctionPlan, around: Surroundings): Call {
  // Its free names are those of the surroundings, looked up at each call as a closure does.
  // oxlint-disable-next-line typescript/no-implied-eval -- the program is generated
  const make = new Function('around', `with (around) { return ${functionText(plan)}; }`) as (
    around: object,
  ) => Call;
  return make(around);
}

function tensorsOf(result: unknown): Tensor[] {
  return result instanceof tfjs.Tensor ? [result] : Object.values(result as Record<string, Tensor>);
}

interface Observed {
  readonly log: readonly unknown[];
  readonly replayed: number;
}

/** Runs the scenario; with a backend, the function is compiled for it. */
function observe(plan: FunctionPlan, actions: readonly Action[], backend: string | undefined): Observed {
  const log: unknown[] = [];
  let replayed = 0;
  const compiled: CompiledFunction<AnyFunction>[] = [];
  const start = { ...tfjs.memory() };
  const engine = tfjs.engine();
  engine.startScope();
  const around: Surroundings = {
    tf: tfjs,
    w: tfjs.variable(tfjs.tensor1d([0.5])),
    t: tfjs.tensor1d([0.25]),
    rate: 2,
    flag: true,
    list: [tfjs.scalar(1)],
  };
  const source = makeFunction(plan, around);
  let call = source;
  const wrap = (): void => {
    if (backend === undefined) return;
    const result = compile(source as unknown as AnyFunction, {
      tf: tfjs,
      backend,
      captures: () => ({ ...around }),
    });
    compiled.push(result);
    call = result as unknown as Call;
  };
  wrap();
  let seed = 0;
  const same = tfjs.tensor2d([1, -2, 3, 4], [2, 2]);

  function input(action: Extract<Action, { kind: 'call' }>): Tensor {
    const { rows, columns, dtype } = action;
    if (action.input === 'same') return same;
    const values = Array.from({ length: rows * columns }, (_, at) => ((at * 5 + seed++) % 7) - 3);
    const x = tfjs.tensor2d(values, [rows, columns], dtype);
    if (action.input === 'read') x.dataSync();
    return action.input === 'pending' ? x.add(tfjs.scalar(1, dtype)) : x;
  }

  function perform(action: Action): void {
    switch (action.kind) {
      case 'call':
        for (let pass = 0; pass < action.count; pass++) {
          const before = { ...tfjs.memory() };
          const x = input(action);
          const middle = { ...tfjs.memory() };
          const results = tensorsOf(call(x, 1));
          const after = { ...tfjs.memory() };
          log.push(
            after.numTensors - before.numTensors,
            after.numTensors - middle.numTensors,
            after.numDataBuffers - middle.numDataBuffers,
            after.numBytes - middle.numBytes,
          );
          log.push(...results.map(({ shape, dtype }) => `${dtype}[${shape.join()}]`));
          if (action.isRead) log.push(...results.map((tensor) => [...tensor.dataSync()]));
          else around.t = results[0]!.mean();
          if (action.isDisposed && action.isRead) for (const tensor of new Set(results)) tensor.dispose();
        }
        return;
      case 'assign':
        around.w.assign(tfjs.tensor1d([seed++ % 5]));
        return;
      case 'rebind':
        around.t = tfjs.tensor1d([seed++ % 3]);
        return;
      case 'rate':
        around.rate++;
        return;
      case 'flag':
        around.flag = !around.flag;
        return;
      case 'grow':
        around.list.push(tfjs.scalar(seed++ % 4));
        return;
      case 'recompile':
        wrap();
        return;
      default:
        action satisfies never;
    }
  }

  try {
    for (const action of actions) {
      try {
        perform(action);
      } catch (error) {
        log.push((error as Error).message);
      }
    }
    log.push([...around.t.dataSync()], [...around.w.dataSync()]);
    replayed = findSession(tfjs)?.stats().replayedCalls ?? 0;
  } finally {
    engine.endScope();
    tfjs.disposeVariables();
    for (const one of compiled) one.dispose();
  }
  const end = tfjs.memory();
  log.push(end.numTensors - start.numTensors, end.numDataBuffers - start.numDataBuffers);
  return { log, replayed };
}

const scenario = [anyFunction, fc.array(anyAction, { minLength: 1, maxLength: 10 })] as const;

describe('any function', () => {
  it.each([
    ['on eager kernels', 'eager', 150],
    ['on a backend that notices stale facts', 'paranoid', 100],
  ])('gives the same values, errors and memory when compiled %s', async (_, backend, runs) => {
    await tfjs.setBackend('cpu');
    registerBackend('paranoid', (context) => createParanoidBackend(context, { promotes: true }));
    let replayed = 0;
    const property = fc.property(...scenario, (plan, actions) => {
      const expected = observe(plan, actions, undefined);
      const actual = observe(plan, actions, backend);
      replayed += actual.replayed;
      expect(actual.log).toEqual(expected.log);
    });
    fc.assert(property, { numRuns: runsOf(runs) });
    expect(replayed).toBeGreaterThan(runs);
  });
});
