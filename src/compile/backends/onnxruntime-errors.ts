/**
 * onnxruntime's messages as errors of ours: the code says when it failed, the message names the node. A device that does
 * not work here is an `EnvironmentError` that says what to install.
 */
import { BackendError, EnvironmentError } from '../../ir/errors.ts';

/** What the messages of onnxruntime 1.30 call the node; ours are named after the tfjs call, see `lower.ts`. */
const nodePatterns: readonly RegExp[] = [
  /while running \S+ node\. Name:'([^']*)'/,
  /In Node, \("([^"]*)"/,
  /in node \(([^)]*)\)/,
  /Node \(([^)]*)\) Op \(/,
  /node with name '([^']*)'/,
  /Node:([^\s]+) /,
];

/** Name of the node that a message blames, if it names one. */
export function blamedNode(message: string): string | undefined {
  for (const pattern of nodePatterns) {
    const name = pattern.exec(message)?.[1];
    if (name !== undefined && name !== '') return name;
  }
  return undefined;
}

/** First line, without the build machine's paths and C++ signatures. */
function shorten(message: string): string {
  return message
    .split('\n')[0]!
    .replaceAll(/\/onnxruntime_src\/\S+\s+/g, '')
    .replace(/^Load model from \S+ failed:/, '')
    .trim();
}

function wrap(doing: string, code: string, hint: string, cause: unknown): BackendError {
  const message = cause instanceof Error ? cause.message : String(cause);
  const node = blamedNode(message);
  const at = node === undefined ? '' : ` at node ${node}`;
  return new BackendError(`onnxruntime failed ${doing}${at}: ${shorten(message)}`, { code, hint, cause });
}

/** FG3202: the model was refused. */
export function creationError(cause: unknown): BackendError {
  return wrap('to compile', 'FG3202', 'Run `fullgraph minify` on the program to get a small repro.', cause);
}

/** FG3203: a kernel failed. */
export function runError(cause: unknown): BackendError {
  return wrap('to run', 'FG3203', 'Run `fullgraph minify` on the program to get a small repro.', cause);
}

/** What the messages have in common when a device cannot be had, as opposed to a model that it refuses. */
const devicePattern =
  /AppendExecutionProvider|shared library|is unsupported: '|Failed to get a WebGPU (adapter|device)|CUDA failure|CUDA error/;

export function isDeviceError(cause: unknown): boolean {
  return cause instanceof Error && devicePattern.test(cause.message);
}

const deviceHints: Readonly<Record<string, string>> = {
  webgpu:
    'Install a Vulkan driver and its loader (Debian: `apt-get install libvulkan1 mesa-vulkan-drivers`, Mesa 25 or later); `VK_ICD_FILENAMES` names the driver if it is not found.',
  cuda: 'On Linux x64 with CUDA 12 and cuDNN 9 run `ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node`.',
};

const deviceReasons: readonly (readonly [RegExp, string])[] = [
  [/is unsupported: '/, 'this build of onnxruntime-node does not have it'],
  [/No supported adapters/, 'no graphics adapter was found: no Vulkan loader, or no driver behind it'],
  [
    /Failed to load shared library/,
    "onnxruntime's provider libraries are not installed, or one they need is missing",
  ],
];

/** FG3204: the device does not work on this machine. */
export function deviceError(device: string, cause: unknown): EnvironmentError {
  const message = cause instanceof Error ? cause.message : String(cause);
  const reason = deviceReasons.find(([pattern]) => pattern.test(message))?.[1] ?? shorten(message);
  return new EnvironmentError(`device ${device} is not available: ${reason}`, {
    code: 'FG3204',
    hint: deviceHints[device] ?? 'Use `--device cpu`.',
    cause,
  });
}
