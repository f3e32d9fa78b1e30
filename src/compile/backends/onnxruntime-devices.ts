/** Which devices onnxruntime can use on this machine, found out by using them; and what is missing where it cannot. */
import { FullgraphError } from '../../ir/errors.ts';
import { encodeModel, GraphWriter } from '../../onnx/index.ts';
import { createOrtSession, type OrtDevice } from './onnxruntime.ts';

export interface DeviceStatus {
  readonly device: OrtDevice;
  readonly isUsable: boolean;
  /** Why it is not. */
  readonly reason?: string;
  /** What to do about it. */
  readonly hint?: string;
}

const devices: readonly OrtDevice[] = ['cpu', 'webgpu', 'cuda'];

/** Runs one addition on the device. */
export function probeOrtDevice(device: OrtDevice): DeviceStatus {
  const graph = new GraphWriter('probe');
  const x = graph.input('x', 'float32', [2]);
  graph.output(graph.add('Add', [x, x]), 'float32', [2]);
  try {
    const session = createOrtSession(encodeModel(graph.toModel()), { device, threads: 1 });
    try {
      const [sum] = session.runArrays([Float32Array.of(1, 2)], [[2]]);
      const isRight = sum?.[0] === 2 && sum[1] === 4;
      return isRight
        ? { device, isUsable: true }
        : { device, isUsable: false, reason: '1 + 1 is not 2 on it' };
    } finally {
      session.dispose();
    }
  } catch (error) {
    if (!(error instanceof FullgraphError)) throw error;
    return { device, isUsable: false, reason: error.message, ...(error.hint && { hint: error.hint }) };
  }
}

let statuses: readonly DeviceStatus[] | undefined;

/** Each device, tried once per process. A graphics driver can take seconds for its first run. */
export function listOrtDevices(): readonly DeviceStatus[] {
  statuses ??= devices.map(probeOrtDevice);
  return statuses;
}
