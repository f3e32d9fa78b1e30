import { describe, expect, it } from 'vitest';
import type { Measured } from '../../bench/support/speed-job.ts';
import {
  formatSpeedReport,
  geometricMean,
  judgeBars,
  median,
  timesFaster,
  type SpeedRow,
} from '../../bench/support/speed-report.ts';

const measured = (rounds: readonly (number | null)[]): Measured => ({
  rounds,
  firstCallMs: 100,
  relativeError: 1e-6,
});

const resnet = (oursMs: number, onnxMs: number, wasmMs: number): SpeedRow => ({
  kind: 'inference',
  steady: {
    model: 'ResNet50',
    threads: 1,
    contenders: { fullgraph: measured([oursMs]), onnx: measured([onnxMs]), wasm: measured([wasmMs]) },
  },
});

describe('timesFaster', () => {
  it('is the median of the ratios within rounds', () => {
    // The machine was three times slower in the second round, for both.
    expect(timesFaster(measured([1, 3, 1]), measured([8, 24, 9]))).toBe(8);
  });

  it('uses only rounds that both ran', () => {
    expect(timesFaster(measured([1, 2, 3]), measured([10, null, null]))).toBe(10);
    expect(timesFaster(measured([1]), measured([null]))).toBeUndefined();
    expect(timesFaster(measured([1]), undefined)).toBeUndefined();
  });
});

const first = {
  firstCallMs: 700,
  compileMs: 1,
  diskCacheHits: 0,
  initializingMs: 21.5,
  wasmInitializingMs: 8.25,
};
const firstCalls: SpeedRow = {
  ...resnet(34, 33, 300),
  cold: { ...first, preparingMs: 600 },
  warm: { ...first, preparingMs: 250 },
};

describe('judgeBars', () => {
  it('holds ResNet50 against wasm and against hand-written ONNX', () => {
    const met = judgeBars([resnet(34, 33, 300)]);
    expect(met.map((bar) => bar.isMet)).toEqual([true, true, true]);
    const missed = judgeBars([resnet(40, 33, 300)]);
    expect(missed.map((bar) => bar.isMet)).toEqual([false, false, false]);
    expect(missed[1]?.text).toBe('ResNet50 against hand-written ONNX: 1.21x (at most 1.15x)');
  });

  it('takes cpu where wasm cannot train', () => {
    const mnist: SpeedRow = {
      kind: 'training',
      steady: {
        model: 'MNIST conv net',
        threads: 1,
        contenders: { fullgraph: measured([50]), cpu: measured([9000]) },
      },
    };
    expect(judgeBars([mnist]).map((bar) => bar.text)).toEqual([
      'training, geometric mean against wasm where it can, else cpu: 180.0x (at least 10x)',
      'MNIST conv net against cpu: 180.0x (at least 100x)',
    ]);
  });

  it('judges the disk cache by what comes before the first run', () => {
    expect(judgeBars([firstCalls]).at(-1)).toEqual({
      text: 'ResNet50, trace + compile with a warm disk cache: 2.40x (at least 3x)',
      isMet: false,
    });
  });

  it('says nothing without fullgraph', () => {
    const row = resnet(1, 33, 300);
    const { fullgraph: _, ...contenders } = row.steady.contenders;
    expect(judgeBars([{ ...row, steady: { ...row.steady, contenders } }])).toEqual([]);
  });
});

describe('formatSpeedReport', () => {
  it('prints medians, minima and ratios in columns', () => {
    const text = formatSpeedReport([resnet(34, 33, 300)], 1);
    expect(text.replaceAll(/ +/g, ' ')).toContain(
      '| ResNet50 | 34.0 (34.0) | 300 (300) | 33.0 (33.0) | 8.82x | 1.03x | 1.0e-6 |',
    );
  });

  it('prints what happened before the first call beside it', () => {
    const text = formatSpeedReport([firstCalls], 1);
    expect(text.replaceAll(/ +/g, ' ')).toContain('| ResNet50 | 21.5 | 8.25 | 600 | 250 | 2.40x |');
  });
});

describe('statistics', () => {
  it('takes the middle, or the mean of the two middle values', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(median([])).toBeNaN();
  });

  it('multiplies', () => {
    expect(geometricMean([2, 8])).toBeCloseTo(4);
  });
});
