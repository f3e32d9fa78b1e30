import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadExactKernels } from '../../src/minifier/program/exact-kernels.ts';
import { createExactShadow } from '../../src/minifier/program/exact-shadow.ts';
import type { KernelRunner } from '../../src/minifier/program/kernel-runner.ts';

const place = resolve('package.json');
const float = (values: readonly number[], shape: readonly number[] = [values.length]) => ({
  dtype: 'float32',
  shape,
  values: Float64Array.from(values),
});

describe('exact kernels', () => {
  const kernels = loadExactKernels(place);

  it('store what they computed in doubles', () => {
    expect(kernels.run('Add', { a: float([0.1]), b: float([0.2]) }, {})).toEqual([
      { dtype: 'float32', shape: [1], values: Float64Array.of(0.1 + 0.2) },
    ]);
    const [sum] = kernels.run('Sum', { x: float([1e9, 1 / 3, -1e9]) }, { axis: [0] })!;
    expect(sum!.values[0]).toBeCloseTo(1 / 3, 6);
    const square = float([1 / 3, 0, 0, 1 / 7], [2, 2]);
    const attributes = { transposeA: false, transposeB: false };
    const [product] = kernels.run('BatchMatMul', { a: square, b: square }, attributes)!;
    expect(Array.from(product!.values)).toEqual([1 / 9, 0, 0, 1 / 49]);
  });

  it('take lists, missing inputs, integers and complex numbers', () => {
    const list = [float([1 / 3]), float([2])] as never;
    expect(kernels.run('Concat', list, { axis: 0 })![0]!.values).toEqual(Float64Array.of(1 / 3, 2));
    const fused = { a: float([1 / 3], [1, 1]), b: float([3], [1, 1]), bias: undefined as never };
    expect(kernels.run('_FusedMatMul', fused, { activation: 'relu' })![0]!.values[0]).toBe(1);
    const cast = kernels.run('Cast', { x: float([2.7]) }, { dtype: 'int32' })![0]!;
    expect(cast).toMatchObject({ dtype: 'int32', values: Int32Array.of(2) });
    const signal = { dtype: 'complex64', shape: [1, 2], values: Float64Array.of(0.1, 0, 0.2, 0) };
    const [spectrum] = kernels.run('FFT', { input: signal }, {})!;
    expect(spectrum!.values[0]).toBe(0.1 + 0.2);
  });

  it('leave the process as it is', () => {
    expect(globalThis).not.toHaveProperty('_tfengine');
    expect(new Float32Array(1)).not.toBeInstanceOf(Float64Array);
  });

  it('are not there for unknown kernels, inputs that do not fit, and programs without tfjs', () => {
    expect(kernels.run('NoSuchKernel', {}, {})).toBeUndefined();
    expect(kernels.run('Reshape', { x: float([1, 2]) }, { shape: [3] })).toBeUndefined();
    expect(() => loadExactKernels('/nowhere/at/all.mjs')).toThrow(/tfjs/);
  });
});

describe('the shadow of a run', () => {
  const third = { id: 1, dataId: {}, shape: [1], dtype: 'float32' };
  const made = () => ({ ...third, dataId: {} });
  const read = () => float([Math.fround(1 / 3)]);

  it('goes on with doubles where a kernel left off, whatever the program has', () => {
    const shadow = createExactShadow(loadExactKernels(place), read);
    const [square, fourth] = [made(), made()];
    shadow.follow('Square', { x: third }, {}, [square]);
    shadow.follow('Square', { x: square }, {}, [fourth]);
    const exact = Math.fround(1 / 3) ** 2;
    expect(shadow.valuesOf(fourth.dataId)![0]).toBe(exact ** 2);
    expect(shadow.valuesOf(third.dataId)).toBeUndefined();
  });

  it('keeps the values of what only got another shape', () => {
    const shadow = createExactShadow(loadExactKernels(place), read);
    const square = made();
    shadow.follow('Square', { x: third }, {}, [square]);
    shadow.follow('Reshape', { x: square }, { shape: [] }, [{ ...square, shape: [] }]);
    expect(shadow.valuesOf(square.dataId)![0]).toBe(Math.fround(1 / 3) ** 2);
    expect(shadow.unknown.size).toBe(0);
  });

  it('takes over what it cannot compute, and says so', () => {
    const nothing: KernelRunner = { run: () => undefined };
    const shadow = createExactShadow(nothing, read);
    const result = made();
    shadow.follow('Blur', { x: third }, {}, [result]);
    expect(shadow.valuesOf(result.dataId)).toBeUndefined();
    expect([...shadow.unknown]).toEqual(['Blur']);
  });
});
