/** `fullgraph backends`: what `--backend` and `--device` take, and what works on this machine. */
import { listOrtDevices } from '../../compile/backends/onnxruntime-devices.ts';
import { listBackends } from '../../session.ts';
import { defineCommand, type Command } from '../command.ts';
import { print } from '../output.ts';
import { plainReason, probeDevices } from '../probe-devices.ts';

export const backendsCommand: Command = defineCommand({
  name: 'backends',
  summary: 'List backends and devices, and which of them work here',
  usage: '[--json]',
  flags: { json: { type: 'boolean', help: 'Print JSON' } },
  examples: [{ command: 'fullgraph backends', help: 'what --backend and --device take on this machine' }],
  async run({ values }, context) {
    const backends = listBackends();
    if (values.json === true) {
      await print(context.stdout, `${JSON.stringify({ backends, devices: listOrtDevices() }, null, 2)}\n`);
      return 0;
    }
    const devices = await probeDevices(context);
    const lines = [
      'backends',
      ...backends.map(
        ({ name, summary, isDefault, isForTests }) =>
          `  ${name.padEnd(15)}${summary}${isDefault ? ' (default)' : ''}${isForTests ? ' (for tests)' : ''}`,
      ),
      'devices of onnxruntime',
      ...devices.map(
        (device) =>
          `  ${device.device.padEnd(8)}${device.reason === undefined ? 'works' : plainReason(device)}`,
      ),
      '',
    ];
    await print(context.stdout, lines.join('\n'));
    return 0;
  },
});
