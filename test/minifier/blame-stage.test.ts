import { describe, expect, it } from 'vitest';
import { blameStage } from '../../src/minifier/program/blame-stage.ts';
import type { CaptureSettings } from '../../src/minifier/program/messages.ts';

const passes = ['mergeEqual', 'sinkTransposes', 'foldBias'];
const optimizers = ['EliminateIdentity', 'Pad_Fusion', 'LayerNormFusionL1', 'LayerNormFusionL2', 'CastChain'];
const levels = ['disabled', 'basic', 'extended', 'layout', 'all'];

function blame(fails: (settings: CaptureSettings) => boolean, settings: Partial<CaptureSettings> = {}) {
  const stages: string[] = [];
  const blamed = blameStage({
    settings: { backend: 'onnxruntime', ...settings },
    passes,
    fails: async (each) => fails(each),
    optimizersAt: async () => optimizers,
    onStage: (name, verdict) => {
      stages.push(`${name}: ${verdict}`);
    },
  });
  return blamed.then((culprit) => ({ culprit, stages }));
}

const runsPass = (settings: CaptureSettings, name: string): boolean =>
  settings.backend === 'onnxruntime' && settings.disabledPasses?.includes(name) !== true;
const reaches = ({ backend, optimizationLevel = 'all' }: CaptureSettings, level: string): boolean =>
  backend === 'onnxruntime' && levels.indexOf(optimizationLevel) >= levels.indexOf(level);
const runsOptimizer = (settings: CaptureSettings, name: string): boolean =>
  settings.disabledOptimizers?.includes(name) !== true;

describe('blameStage', () => {
  it('names each step of the way', async () => {
    const cases: readonly (readonly [string, (settings: CaptureSettings) => boolean])[] = [
      ['capture', () => true],
      ['replay of models', ({ replay }) => replay !== false],
      ["lowering to ONNX, or onnxruntime's kernels", ({ backend }) => backend === 'onnxruntime'],
      ['pass sinkTransposes of fullgraph', (each) => runsPass(each, 'sinkTransposes')],
      [
        'freezing of weights',
        ({ backend, freeze, optimizationLevel }) =>
          backend === 'onnxruntime' && freeze !== false && optimizationLevel === 'disabled',
      ],
      [
        'onnxruntime PadFusion (level extended)',
        (each) => reaches(each, 'extended') && runsOptimizer(each, 'Pad_Fusion'),
      ],
      [
        'onnxruntime LayerNormFusion (level basic)',
        (each) =>
          reaches(each, 'basic') &&
          (runsOptimizer(each, 'LayerNormFusionL1') || runsOptimizer(each, 'LayerNormFusionL2')),
      ],
      ['onnxruntime at level layout', (each) => reaches(each, 'layout')],
    ];
    for (const [expected, fails] of cases) expect((await blame(fails)).culprit).toBe(expected);
  });

  it('tells two passes that are needed together from one', async () => {
    const { culprit } = await blame((each) => runsPass(each, 'mergeEqual') || runsPass(each, 'foldBias'));
    expect(culprit).toBe('pass mergeEqual with foldBias of fullgraph');
  });

  it('blames another backend or device than the usual one, when the usual one passes', async () => {
    const { culprit, stages } = await blame(({ backend }) => backend === 'mine', { backend: 'mine' });
    expect(culprit).toBe('backend mine');
    expect(stages).toEqual(['captured, on eager kernels: passes', 'onnxruntime: passes']);
    const gpu = await blame(({ device }) => device === 'webgpu', {
      backend: 'onnxruntime',
      device: 'webgpu',
    });
    expect(gpu.culprit).toBe('capture');
    const kernels = await blame(({ backend, device }) => backend !== 'eager' && device === 'webgpu', {
      device: 'webgpu',
    });
    expect(kernels.culprit).toBe('device webgpu');
  });

  it('claims nothing when no single step fails', async () => {
    expect((await blame(() => false)).culprit).toBeUndefined();
  });
});
