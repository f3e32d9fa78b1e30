/** Says in one line that a device does not work on this machine, before a program starts on it. */
import { EnvironmentError } from '../ir/errors.ts';
import type { Context } from './command.ts';
import { probeDevices } from './probe-devices.ts';

/** @throws FG3204 when the device cannot be used. */
export async function checkDevice(device: string | undefined, context: Context): Promise<void> {
  if (device === undefined || device === 'cpu') return;
  const status = (await probeDevices(context)).find((each) => each.device === device);
  if (status?.isUsable === true) return;
  throw new EnvironmentError(status?.reason ?? `device ${device} is not available`, {
    code: 'FG3204',
    ...(status?.hint === undefined ? {} : { hint: status.hint }),
  });
}
