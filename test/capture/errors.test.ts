import { describe, expect, it } from 'vitest';
import { registerBackend } from '../../src/session.ts';
import { createEagerBackend } from '../../src/compile/backends/eager.ts';
import { opTable } from '../../src/compile/ops/index.ts';
import { BackendError } from '../../src/ir/errors.ts';
import { runCaptured, runEager, type Program, type Tf } from './support/run-captured.ts';

/** Logs the error of each call where eager raises it, and what is alive afterwards. */
const attempts =
  (...calls: readonly ((tf: Tf) => void)[]): Program =>
  (tf, log, memory) => {
    for (const call of calls) {
      try {
        call(tf);
        log('no error');
      } catch (error) {
        log(error);
      }
      log(memory());
    }
  };

const matrix = (tf: Tf) => tf.ones([2, 3]);
const index = (tf: Tf, ...values: number[]) => tf.tensor2d([values], [1, values.length], 'int32');

const programs: Readonly<Record<string, Program>> = {
  'a position that the table does not have': attempts(
    (tf) => tf.gather(tf.ones([5, 3]), tf.range(0, 7, 1, 'int32').reshape([1, 7])),
    (tf) => tf.gather(tf.ones([5, 3]), tf.range(0, 5, 1, 'int32')),
  ),
  'a token that the table does not have': attempts((tf) => {
    const model = tf.sequential({
      layers: [tf.layers.embedding({ inputDim: 6, outputDim: 2, inputLength: 3, name: 'tokens' })],
    });
    try {
      model.predict(tf.tensor2d([[1, 2, 6]]));
    } finally {
      model.dispose();
    }
  }),
  'known indices outside of what they index': attempts(
    (tf) => tf.gatherND(matrix(tf), index(tf, 9, 9)),
    (tf) => tf.scatterND(index(tf, 9), tf.tensor1d([1]), [3]),
    (tf) => tf.tensorScatterUpdate(tf.ones([3]), index(tf, -1), tf.tensor1d([1])),
    (tf) => tf.sparseToDense(tf.tensor1d([9], 'int32'), tf.tensor1d([1]), [3], 0),
  ),
};

describe('errors', () => {
  it.each(Object.entries(programs))('of %s come at the call', async (_name, program) => {
    const eager = await runEager(program);
    expect(eager.log.some(Array.isArray)).toBe(true);
    const captured = await runCaptured(program);
    expect(captured.log).toEqual(eager.log);
    expect(captured.memory).toEqual(eager.memory);
  });

  it('have the stack that they have without capture', async () => {
    const program: Program = (tf, log) => {
      function callOfTheProgram() {
        tf.matMul(matrix(tf), matrix(tf));
      }
      try {
        callOfTheProgram();
      } catch (error) {
        log((error as Error).stack);
      }
    };
    const eager = await runEager(program);
    const captured = await runCaptured(program);
    expect(captured.log).toEqual(eager.log);
    expect(captured.records.filter((record) => record.kind === 'fallback')).toEqual([]);
  });

  it('of a read name the line that reads', async () => {
    const { log } = await runCaptured((tf, note) => {
      const computed = tf.scalar(36).sqrt().expandDims(0).toInt();
      const result = tf.gather(tf.tensor1d([5, 7]), computed);
      function readOfTheProgram() {
        return result.dataSync();
      }
      try {
        readOfTheProgram();
      } catch (error) {
        note((error as Error).stack);
      }
    });
    expect(log[0]).toMatch(/^Error: GatherV2: the index value 6 .*\n +at/);
    expect(log[0]).toContain('readOfTheProgram');
    expect(log[0]).not.toContain('/src/capture/');
  });

  describe('of a graph that runs', () => {
    const refusing = 'refuses to run';
    registerBackend(refusing, ({ runKernel }) => {
      const eager = createEagerBackend(runKernel, opTable);
      return {
        ...eager,
        compile(graph, leaves) {
          const compiled = eager.compile(graph, leaves);
          const run = (): never => {
            throw new BackendError('node 7 failed', { code: 'FG3203' });
          };
          return { ...compiled, executable: { ...compiled.executable, run } };
        },
      };
    });
    const indexed =
      (at: number): Program =>
      (tf, log) => {
        const computed = tf.scalar(at).sqrt().expandDims(0).toInt();
        const result = tf.gather(tf.tensor1d([5, 7]), computed);
        try {
          log(result.dataSync());
        } catch (error) {
          log(error);
        }
      };
    it("is eager's where eager kernels refuse too", async () => {
      const { log } = await runCaptured(indexed(36), { backend: refusing });
      expect(log).toEqual([['Error', 'GatherV2: the index value 6 is not in [0, 1]']]);
    });
    it("is the backend's where eager kernels know better", async () => {
      const { log } = await runCaptured(indexed(1), { backend: refusing });
      expect(log).toEqual([['BackendError', 'node 7 failed']]);
    });
  });
});
