/** Says in one line that a device does not work on this machine, before a program starts on it. */
import { EnvironmentError } from '../ir/errors.ts';
import type { OrtDevice } from '../compile/backends/onnxruntime.ts';

/** @throws FG3204 when the device cannot be used. */
export async function checkDevice(device: string | undefined): Promise<void> {
  if (device === undefined || device === 'cpu') return;
  const { probeOrtDevice } = await import('../compile/backends/onnxruntime-devices.ts');
  const { isUsable, reason, hint } = probeOrtDevice(device as OrtDevice);
  if (isUsable) return;
  throw new EnvironmentError(reason ?? `device ${device} is not available`, {
    code: 'FG3204',
    ...(hint === undefined ? {} : { hint }),
  });
}
