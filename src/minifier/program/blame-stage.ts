/**
 * Which part of the way from a captured program to its result introduces a failure: capture itself, lowering, one of our
 * passes, freezing, a level or a pass of onnxruntime's optimizer, the device. Walks from the plainest set-up towards the
 * failing one; the first step that fails is looked into.
 */
import { displayName, leastSubset } from '../graph/culprit.ts';
import type { CaptureSettings } from './messages.ts';

type Level = NonNullable<CaptureSettings['optimizationLevel']>;

export interface StageProbe {
  /** The set-up that fails. */
  readonly settings: CaptureSettings;
  /** Names of our passes. */
  readonly passes: readonly string[];
  /** Whether the program fails the same way in this set-up. */
  fails(settings: CaptureSettings): Promise<boolean>;
  /** Names of onnxruntime's optimizer passes up to a level. */
  optimizersAt(level: Exclude<Level, 'disabled'>): Promise<readonly string[]>;
  onStage(name: string, verdict: 'fails' | 'passes'): void;
}

const levels = ['basic', 'extended', 'layout', 'all'] as const;

/** `onnxruntime PadFusion (level basic)`, `pass sinkTransposes`, `capture`; `undefined` when no single step fails. */
export async function blameStage(probe: StageProbe): Promise<string | undefined> {
  const { settings, passes } = probe;
  const fails = async (name: string, parts: Partial<CaptureSettings>): Promise<boolean> => {
    const isFailing = await probe.fails({ ...settings, ...parts });
    probe.onStage(name, isFailing ? 'fails' : 'passes');
    return isFailing;
  };
  const isCured = async (parts: Partial<CaptureSettings>): Promise<boolean> =>
    !(await probe.fails({ ...settings, ...parts }));

  if (await fails('captured, on eager kernels', { backend: 'eager' })) {
    const withoutReplay = { backend: 'eager', replay: false };
    return (await isCured(withoutReplay)) ? 'replay of models' : 'capture';
  }
  if (settings.backend === 'eager') return undefined;
  if (settings.backend !== 'onnxruntime' && !(await fails('onnxruntime', { backend: 'onnxruntime' })))
    return `backend ${settings.backend}`;
  const { device } = settings;
  if (device !== undefined && device !== 'cpu' && !(await fails('device cpu', { device: 'cpu' })))
    return `device ${device}`;

  const plain = { freeze: false, optimizationLevel: 'disabled' } as const;
  const lowered = { ...plain, disabledPasses: passes };
  if (await fails('ONNX without passes and optimizations', lowered))
    return "lowering to ONNX, or onnxruntime's kernels";
  if (await fails('with the passes of fullgraph', plain)) {
    const guilty = await leastSubset(passes, (part) => isCured({ ...plain, disabledPasses: part }));
    return `pass ${guilty.join(' with ')} of fullgraph`;
  }
  if (await fails('with frozen weights', { optimizationLevel: 'disabled' })) return 'freezing of weights';
  for (const level of levels) {
    if (!(await fails(`onnxruntime at level ${level}`, { optimizationLevel: level }))) continue;
    const names = await probe.optimizersAt(level);
    const without = (part: readonly string[]): Partial<CaptureSettings> => ({
      optimizationLevel: level,
      disabledOptimizers: part,
    });
    if (names.length === 0 || !(await isCured(without(names)))) return `onnxruntime at level ${level}`;
    const guilty = await leastSubset(names, (part) => isCured(without(part)));
    return `onnxruntime ${[...new Set(guilty.map(displayName))].join(' with ')} (level ${level})`;
  }
  return undefined;
}
