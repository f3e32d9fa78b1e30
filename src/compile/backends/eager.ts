/**
 * The reference backend: a graph interpreted node by node on tfjs's own kernels, without native code. The same kernels
 * run single nodes that have no lowering inside other backends' executables ({@link RunKernel}).
 */
import { BackendError } from '../../ir/errors.ts';
import type { AttributeValue, CallNode, Graph } from '../../ir/graph.ts';
import type { OpSignature } from '../../ir/op-signature.ts';
import type { HostArray } from '../../ir/tensor-type.ts';
import type { Backend, Compiled, RunKernel } from '../../ir/executable.ts';

interface KernelTensor {
  readonly dataId: object;
  readonly shape: number[];
  readonly dtype: string;
  readonly rank?: number;
}

/** A tfjs backend whose memory is host arrays, as cpu's is. */
interface HostBackend {
  readonly data: { get(dataId: object): { readonly values: unknown } };
  write(values: unknown, shape: readonly number[], dtype: string): object;
  bufferSync(tensor: KernelTensor): { values: { slice(): unknown } };
  makeTensorInfo(shape: number[], dtype: string, values: unknown): KernelTensor;
  makeOutput(values: unknown, shape: number[], dtype: string): KernelTensor;
  disposeData(dataId: object, force?: boolean): boolean;
}

interface KernelConfig {
  kernelFunc(call: { inputs: unknown; backend: object; attrs: unknown }): KernelTensor | KernelTensor[];
}

/** The parts of the tfjs module that running a kernel takes. */
export interface KernelHost {
  getKernel(kernelName: string, backendName: string): unknown;
  engine(): { findBackend(backendName: string): unknown };
}

type ArraySource = ArrayLike<number>;

/** `values` as the array type of `dtype`; the very same array when it already has it. */
function toHostArray(values: unknown, dtype: string): HostArray {
  switch (dtype) {
    case 'string':
      return values as readonly Uint8Array[];
    case 'int32':
      return values instanceof Int32Array ? values : Int32Array.from(values as ArraySource);
    case 'bool':
      return values instanceof Uint8Array ? values : Uint8Array.from(values as ArraySource);
    default:
      return values instanceof Float32Array ? values : Float32Array.from(values as ArraySource);
  }
}

/** A copy that a kernel may write into: some of tfjs's kernels fill in `-1`s of their attributes in place. */
function thaw(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(thaw);
  if (value !== null && typeof value === 'object') return thawAttributes(value as Record<string, unknown>);
  return value;
}

function thawAttributes(attributes: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, thaw(value)]));
}

/**
 * The backend as kernels get it. Those that work in a buffer (TensorScatterUpdate) write into what `bufferSync` gives
 * them, which in tfjs's cpu backend is the input itself; here it is a copy. Those that return a tensor of the engine
 * (Abs) return its info: the engine must not count what the program never sees.
 */
function isolate(backend: HostBackend): HostBackend {
  const view = Object.create(backend) as HostBackend;
  view.bufferSync = (tensor) => {
    const buffer = backend.bufferSync(tensor);
    return Object.assign(buffer, { values: buffer.values.slice() as typeof buffer.values });
  };
  view.makeOutput = (values, shape, dtype) => backend.makeTensorInfo(shape, dtype, values);
  return view;
}

/**
 * Runs kernels of the tfjs backend registered as `backendName`, which must keep its tensors in host arrays. Inputs are
 * passed by reference and never written; results may share memory with inputs. Nothing stays allocated in the backend.
 */
export function createRunKernel(tf: KernelHost, backendName: string): RunKernel {
  let isolated: { readonly of: HostBackend; readonly view: HostBackend } | undefined;
  return (kernel, inputs, inputNames, attributes) => {
    const config = tf.getKernel(kernel, backendName) as KernelConfig | undefined;
    const backend = tf.engine().findBackend(backendName) as HostBackend | null;
    if (config === undefined || backend === null) {
      throw new BackendError(`kernel ${kernel} is not registered for the tfjs backend ${backendName}`, {
        code: 'FG3001',
        hint: 'Import the tfjs package that registers it, for example @tensorflow/tfjs-backend-cpu.',
      });
    }
    if (isolated?.of !== backend) isolated = { of: backend, view: isolate(backend) };
    const tensors = inputs.map((input): KernelTensor | undefined =>
      input === undefined
        ? undefined
        : {
            dataId: backend.write(input.data, input.shape, input.dtype),
            shape: [...input.shape],
            dtype: input.dtype,
            // Some kernels take their inputs for tf.Tensors.
            rank: input.shape.length,
          },
    );
    try {
      const named =
        inputNames === 'variadic'
          ? tensors
          : Object.fromEntries(inputNames.map((name, index) => [name, tensors[index]]));
      const result = config.kernelFunc({
        inputs: named,
        backend: isolated.view,
        attrs: thawAttributes(attributes),
      });
      const results = Array.isArray(result) ? result : [result];
      const read = results.map((tensor) => ({
        data: toHostArray(backend.data.get(tensor.dataId).values, tensor.dtype),
        dtype: tensor.dtype,
        shape: tensor.shape,
      }));
      for (const tensor of results) backend.disposeData(tensor.dataId);
      return read;
    } finally {
      for (const tensor of tensors) if (tensor !== undefined) backend.disposeData(tensor.dataId);
    }
  };
}

function inputNamesOf(
  node: CallNode,
  table: ReadonlyMap<string, OpSignature>,
): readonly string[] | 'variadic' {
  const signature = table.get(node.kernel);
  if (signature !== undefined) return signature.inputs;
  throw new BackendError(`kernel ${node.kernel} is not in the op table`, {
    code: 'FG3001',
    hint: 'Add it to src/compile/ops, or run it outside the graph.',
  });
}

/** A call with all that can be known before it runs. */
interface BoundCall {
  readonly node: CallNode;
  readonly inputs: readonly (
    { readonly slot: number; readonly dtype: string; readonly shape: readonly number[] } | undefined
  )[];
  readonly inputNames: readonly string[] | 'variadic';
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  readonly firstSlot: number;
  /** Slots that nothing reads after this call. */
  readonly lastUses: readonly number[];
}

interface Program {
  readonly leafCount: number;
  readonly slotCount: number;
  readonly calls: readonly BoundCall[];
  readonly outputs: readonly number[];
}

/** Slots: leaves first, in graph order, then each call's results. */
function bind(graph: Graph, table: ReadonlyMap<string, OpSignature>): Program {
  const slots = new Map<string, number>();
  const types: { readonly dtype: string; readonly shape: readonly number[] }[] = [];
  const lastUse = new Map<number, number>();
  const drafts: { node: CallNode; inputs: (number | undefined)[]; firstSlot: number }[] = [];
  const leaves = graph.nodes.filter((node) => node.kind !== 'call');
  for (const leaf of leaves) {
    slots.set(leaf.name, types.length);
    types.push(leaf.type as (typeof types)[number]);
  }
  for (const node of graph.nodes) {
    if (node.kind !== 'call') continue;
    const inputs = node.inputs.map((ref) =>
      ref === undefined ? undefined : slots.get(ref.node)! + ref.output,
    );
    for (const slot of inputs) if (slot !== undefined) lastUse.set(slot, drafts.length);
    slots.set(node.name, types.length);
    drafts.push({ node, inputs, firstSlot: types.length });
    types.push(...(node.outputs as typeof types));
  }
  const outputs = graph.outputs.map((ref) => slots.get(ref.node)! + ref.output);
  for (const slot of outputs) lastUse.delete(slot);
  return {
    leafCount: leaves.length,
    slotCount: types.length,
    outputs,
    calls: drafts.map(({ node, inputs, firstSlot }, index) => ({
      node,
      firstSlot,
      inputs: inputs.map((slot) => (slot === undefined ? undefined : { slot, ...types[slot]! })),
      inputNames: inputNamesOf(node, table),
      attributes: node.attributes,
      lastUses: [...new Set(inputs)].filter(
        (slot): slot is number => slot !== undefined && lastUse.get(slot) === index,
      ),
    })),
  };
}

/** The array itself when nobody else can hold its memory, else a copy. */
function owned(array: HostArray, taken: Set<ArrayBufferLike>): HostArray {
  if (Array.isArray(array)) return [...(array as readonly Uint8Array[])];
  const typed = array as Float32Array;
  if (taken.has(typed.buffer) || typed.byteLength !== typed.buffer.byteLength) return typed.slice();
  taken.add(typed.buffer);
  return typed;
}

function execute(program: Program, runKernel: RunKernel, leaves: readonly HostArray[]): HostArray[] {
  const values: (HostArray | undefined)[] = Array.from({ length: program.slotCount });
  for (let index = 0; index < program.leafCount; index++) values[index] = leaves[index];
  for (const call of program.calls) {
    const inputs = call.inputs.map((input) =>
      input === undefined ? undefined : { data: values[input.slot]!, dtype: input.dtype, shape: input.shape },
    );
    const results = runKernel(call.node.kernel, inputs, call.inputNames, call.attributes);
    for (const [index, result] of results.entries()) values[call.firstSlot + index] = result.data;
    for (const slot of call.lastUses) if (slot >= program.leafCount) values[slot] = undefined;
  }
  const taken = new Set<ArrayBufferLike>();
  for (const leaf of leaves) if (!Array.isArray(leaf)) taken.add((leaf as Float32Array).buffer);
  return program.outputs.map((slot) => owned(values[slot]!, taken));
}

/**
 * The backend `eager`. Its executables take any values for any leaf.
 * @throws BackendError FG3001 at compile time for a kernel that the table does not know.
 */
export function createEagerBackend(runKernel: RunKernel, table: ReadonlyMap<string, OpSignature>): Backend {
  return {
    name: 'eager',
    device: 'cpu',
    compile(graph: Graph): Compiled {
      const program = bind(graph, table);
      return {
        executable: {
          run: (leaves) => execute(program, runKernel, leaves),
          freeLeaves: Array.from({ length: program.leafCount }, () => true),
          ignoresConstants: true,
          dispose: () => undefined,
        },
        report: { outcome: 'session', cache: 'none', phases: [], fallbacks: [] },
      };
    },
    dispose: () => undefined,
  };
}
