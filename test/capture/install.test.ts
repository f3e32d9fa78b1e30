import * as tf from '@tensorflow/tfjs';
import { afterEach, describe, expect, it } from 'vitest';
import { eagerBackendName } from '../../src/capture/install-backend.ts';
import { makeTensor } from '../../src/capture/tf-module.ts';
import type { TraceRecord } from '../../src/ir/record.ts';
import { install, type Session } from '../../src/session.ts';

tf.env().set('IS_NODE', false);

let session: Session | undefined;
const records: TraceRecord[] = [];

function start(options: Parameters<typeof install>[1] = {}): Session {
  records.length = 0;
  session = install(tf, { backend: 'eager', onRecord: (record) => records.push(record), ...options });
  return session;
}

afterEach(async () => {
  session?.uninstall();
  session = undefined;
  tf.env().set('DEBUG', false);
  await tf.setBackend('cpu');
});

const kernelNames = (backend: string): string[] =>
  tf
    .getKernelsForBackend(backend)
    .map(({ kernelName }) => kernelName)
    .toSorted();

describe('installing', () => {
  it('leaves the names that a program sees as they were', async () => {
    const before = kernelNames('cpu');
    start();
    await tf.ready();
    expect(tf.getBackend()).toBe('cpu');
    expect(tf.engine().backendNames()).toEqual(['cpu']);
    expect(kernelNames('cpu')).toEqual(before);
    expect(kernelNames(eagerBackendName)).toEqual(before);
    expect(await tf.setBackend('cpu')).toBe(true);
    expect(tf.ones([2]).add(1).dataSync()).toEqual(new Float32Array([2, 2]));
  });

  it('twice is the same session', () => {
    const first = start();
    expect(install(tf)).toBe(first);
    expect(kernelNames('cpu')).toEqual(kernelNames(eagerBackendName));
    tf.ones([2]).add(1).dataSync();
    expect(first.stats().tracedCalls).toBe(1);
  });

  it('makes tensors by the name that the engine has, tfjs 4 or 3', () => {
    const info = { dataId: {}, shape: [2], dtype: 'float32' } as const;
    const tensor = { ...info, shape: [2] };
    const backend = {};
    const four = { makeTensorFromTensorInfo: (...given: unknown[]) => given };
    const three = { makeTensorFromDataId: (...given: unknown[]) => given };
    expect(makeTensor(four, tensor, backend)).toEqual([tensor, backend]);
    expect(makeTensor(three, tensor, backend)).toEqual([info.dataId, [2], 'float32', backend]);
  });

  it('takes over tensors that were made before', () => {
    const x = tf.tensor1d([1, 2, 3]);
    const initial = tf.tensor1d([4, 5, 6]);
    const v = tf.variable(initial);
    const { numTensors, numDataBuffers } = tf.memory();
    start();
    const y = x.add(v);
    expect(y.dataSync()).toEqual(new Float32Array([5, 7, 9]));
    expect(x.dataSync()).toEqual(new Float32Array([1, 2, 3]));
    tf.dispose([x, y, initial]);
    v.dispose();
    expect(tf.memory()).toMatchObject({ numTensors: numTensors - 3, numDataBuffers: numDataBuffers - 2 });
  });

  it('takes over kernels that are registered later, on request or at their first call', () => {
    start();
    tf.registerKernel({
      kernelName: 'Twice',
      backendName: 'cpu',
      kernelFunc: ({ inputs, backend }) => {
        const { x } = inputs;
        const cpu = backend as import('@tensorflow/tfjs-backend-cpu').MathBackendCPU;
        const values = (cpu.data.get(x!.dataId).values as Float32Array).map((value) => value * 2);
        return cpu.makeTensorInfo(x!.shape, 'float32', values);
      },
    });
    const x = tf.tensor1d([1, 2]).square();
    const y = tf.engine().runKernel<tf.Tensor>('Twice', { x });
    expect(y.add(1).dataSync()).toEqual(new Float32Array([3, 9]));
    expect(
      records.flatMap((record) => (record.kind === 'break' ? [record.reason, record.kernel] : [])),
    ).toEqual(['FG1006', 'Twice', 'FG1001', undefined]);
    tf.unregisterKernel('Twice', 'cpu');
  });

  it('keeps a kernel with which the program replaces one of tfjs', () => {
    start();
    tf.ones([1]).relu().dataSync();
    const ours = tf.getKernel('Relu', 'cpu');
    tf.unregisterKernel('Relu', 'cpu');
    tf.registerKernel({
      ...ours,
      kernelFunc: ({ inputs, backend }) => {
        const cpu = backend as import('@tensorflow/tfjs-backend-cpu').MathBackendCPU;
        return cpu.makeTensorInfo(inputs['x']!.shape, 'float32', new Float32Array([42]));
      },
    });
    expect(tf.ones([1]).relu().dataSync()).toEqual(new Float32Array([42]));
    tf.unregisterKernel('Relu', 'cpu');
    tf.registerKernel(ours);
  });

  it('survives a reset of the engine', async () => {
    start();
    const x = tf.ones([3]).add(1);
    tf.engine().reset();
    await tf.setBackend('cpu');
    expect(x.isDisposed).toBe(false);
    expect(tf.engine().backend.numDataIds()).toBe(0);
    expect(tf.ones([2]).mul(3).dataSync()).toEqual(new Float32Array([3, 3]));
  });
});

describe('other backends', () => {
  it.each(['wasm', 'tensorflow', 'webgl'])('are names of the capturing one: %s', async (name) => {
    const running = start();
    const x = tf.tensor1d([1, 2, 3]).square();
    expect(await tf.setBackend(name)).toBe(true);
    expect(tf.getBackend()).toBe(name);
    expect(x.add(1).dataSync()).toEqual(new Float32Array([2, 5, 10]));
    expect(running.stats().breaks).toBe(1);
    await tf.setBackend('cpu');
  });

  it('are left alone when asked to', async () => {
    start({ respectBackend: true });
    await expect(tf.setBackend('tensorflow')).rejects.toThrow(
      "Backend name 'tensorflow' not found in registry",
    );
  });

  it('get tensors that they are given, and give them back', async () => {
    start();
    const x = tf.tensor1d([1, 2]).square();
    await tf.setBackend(eagerBackendName);
    const y = x.add(1);
    await tf.setBackend('cpu');
    expect(y.mul(x).dataSync()).toEqual(new Float32Array([2, 20]));
    const z = tf.complex(y, y);
    await tf.setBackend(eagerBackendName);
    await tf.setBackend('cpu');
    expect(tf.real(z).dataSync()).toEqual(new Float32Array([2, 5]));
  });
});

describe('uninstalling', () => {
  it('gives the program its own backend back and leaves tensors readable', () => {
    const before = kernelNames('cpu');
    const factory = tf.findBackendFactory('cpu');
    start();
    const x = tf.tensor1d([1, 2]).square();
    session!.uninstall();
    session = undefined;
    expect(kernelNames('cpu')).toEqual(before);
    expect(tf.findBackendFactory('cpu')).toBe(factory);
    expect(tf.findBackendFactory(eagerBackendName)).toBeNull();
    expect(Object.hasOwn(tf.engine(), 'runKernel')).toBe(false);
    expect(x.add(1).dataSync()).toEqual(new Float32Array([2, 5]));
  });

  it('takes its wraps off optimizers', () => {
    const { minimize } = tf.Optimizer.prototype;
    start();
    expect(tf.Optimizer.prototype.minimize).not.toBe(minimize);
    session!.uninstall();
    session = undefined;
    expect(tf.Optimizer.prototype.minimize).toBe(minimize);
  });
});

describe('debug mode', () => {
  it('checks each result as it does in eager', async () => {
    start();
    tf.env().set('DEBUG', true);
    const x = tf.tensor1d([1, 2]).square();
    expect(await x.data()).toEqual(new Float32Array([1, 4]));
    expect(new Set(records.flatMap((record) => (record.kind === 'break' ? [record.reason] : [])))).toContain(
      'FG1012',
    );
  });
});
