/**
 * What onnxruntime's devices can do here, tried in a child process: graphics drivers and their loaders write to standard
 * error as they like, and a broken one takes its process down.
 */
import type { DeviceStatus } from '../compile/backends/onnxruntime-devices.ts';
import { EnvironmentError } from '../ir/errors.ts';
import type { Context } from './command.ts';
import { complaintOf, runOwnCommand } from './interactive/own-command.ts';

/** @throws FG3204 when not even the trial runs. */
export async function probeDevices(context: Context): Promise<readonly DeviceStatus[]> {
  const { exitCode, stdout, stderr } = await runOwnCommand(['backends', '--json'], context);
  if (exitCode === 0) return (JSON.parse(stdout) as { readonly devices: readonly DeviceStatus[] }).devices;
  throw new EnvironmentError(`devices cannot be tried: ${complaintOf(stderr) || `exit code ${exitCode}`}`, {
    code: 'FG3204',
    hint: 'Run npm install again; Alpine Linux (musl) is not supported by onnxruntime-node.',
  });
}

/** Why a device cannot be used, for a line that names it. */
export function plainReason({ device, reason = 'does not work' }: DeviceStatus): string {
  return reason.replace(`device ${device} is not available: `, '');
}
