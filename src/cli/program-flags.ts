/** Flags of every command that runs a program, and what they mean to the hook in the program's process. */
import { resolve } from 'node:path';
import type { HostOptions } from '../host/options.ts';
import type { Values } from './flags.ts';

export const programFlags = {
  backend: {
    type: 'string',
    value: '<name>',
    help: 'Backend that runs the graphs (default onnxruntime); `fullgraph backends` lists them',
  },
  device: {
    type: 'string',
    choices: ['cpu', 'webgpu', 'cuda'],
    value: '<name>',
    help: 'Device of the backend (default cpu)',
  },
  threads: { type: 'number', help: 'Threads of the native runtime (default: one per core)' },
  'max-nodes': { type: 'number', help: 'Cut a graph that grows to this many nodes' },
  'recompile-limit': { type: 'number', help: 'Recompiles per site before it runs node by node' },
  instrument: {
    type: 'boolean',
    isOnByDefault: true,
    help: 'Do not look for variable names, loops and branches in the sources',
  },
  libraries: {
    type: 'string',
    value: '<paths>',
    help: 'Fold frames of these files and folders (a,b) as if they lay in node_modules',
  },
  savings: { type: 'boolean', isOnByDefault: true, help: 'Do not measure what each break costs' },
  freeze: { type: 'boolean', isOnByDefault: true, help: 'Do not turn unchanging weights into constants' },
  tiers: { type: 'boolean', isOnByDefault: true, help: 'Compile every graph to native code at once' },
  cache: {
    type: 'boolean',
    isOnByDefault: true,
    help: 'Do not use the disk cache of compiled graphs and code',
  },
  'cache-dir': { type: 'string', value: '<dir>', help: 'Folder of the disk cache' },
  profile: { type: 'boolean', help: 'Measure the time of each node (slows graphs down a little)' },
  strict: { type: 'boolean', help: 'Make every avoidable break an error that explains itself' },
  'respect-backend': {
    type: 'boolean',
    help: "Leave the program's own tf.setBackend('wasm') and its like alone",
  },
  disable: { type: 'boolean', help: 'Run the program as it is, without fullgraph, for comparison' },
} as const;

/** @param traceFile where to write the trace; none when absent. */
export function toHostOptions(
  values: Values<typeof programFlags>,
  traceFile: string | undefined,
  cwd: string,
): HostOptions {
  const directory = values['cache-dir'];
  const cacheDirectory =
    values.cache === false ? false : directory === undefined ? undefined : resolve(cwd, directory);
  return {
    ...(traceFile === undefined ? {} : { traceFile }),
    ...(values.backend === undefined ? {} : { backend: values.backend }),
    ...(values.device === undefined ? {} : { device: values.device }),
    ...(values.threads === undefined ? {} : { threads: values.threads }),
    ...(values['max-nodes'] === undefined ? {} : { maxNodes: values['max-nodes'] }),
    ...(values['recompile-limit'] === undefined ? {} : { recompileLimit: values['recompile-limit'] }),
    ...(values.instrument === undefined ? {} : { instrument: values.instrument }),
    ...(values.libraries === undefined
      ? {}
      : { libraries: values.libraries.split(',').map((path) => resolve(cwd, path)) }),
    ...(values.savings === undefined ? {} : { measureSavings: values.savings }),
    ...(values.freeze === undefined ? {} : { freeze: values.freeze }),
    ...(values.tiers === undefined ? {} : { tiers: values.tiers }),
    ...(cacheDirectory === undefined ? {} : { cacheDirectory }),
    ...(values.profile === undefined ? {} : { profile: values.profile }),
    ...(values.strict === undefined ? {} : { strict: values.strict }),
    ...(values['respect-backend'] === undefined ? {} : { respectBackend: values['respect-backend'] }),
    ...(values.disable === undefined ? {} : { disable: values.disable }),
  };
}
