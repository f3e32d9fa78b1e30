/** Writes TORCH_TRACE logs as PyTorch does: header line with JSON, payload lines behind one TAB, md5 of the payload. */
import { createHash } from 'node:crypto';

export interface LogOptions {
  readonly rank?: number;
  /** In front of each line: what a log collector adds. */
  readonly prefix?: string;
}

export interface RecordOptions {
  /** `0/1`, `0/1_1`, `!2/0/1`; absent for records without a compile id. */
  readonly id?: string;
  readonly payload?: string;
  /** Instead of the payload's own. */
  readonly md5?: string;
}

/** A frame of a stack: file, line, function, code. */
export type Frame = readonly [string, number, string, string?];

function idFields(id: string | undefined): Record<string, number> {
  if (id === undefined) return {};
  const match = /^(?:!(\d+)\/?)?(?:(\d+)\/(\d+)(?:_(\d+))?)?$/.exec(id)!;
  const [, autograd, frame, compile, attempt] = match;
  return {
    ...(autograd === undefined ? {} : { compiled_autograd_id: Number(autograd) }),
    ...(frame === undefined ? {} : { frame_id: Number(frame), frame_compile_id: Number(compile) }),
    attempt: Number(attempt ?? 0),
  };
}

export class LogWriter {
  readonly #options: LogOptions;
  readonly #lines: string[] = [];
  readonly #strings = new Map<string, number>();
  /** Milliseconds since midnight. */
  #clockMs = 9 * 3_600_000;

  constructor(options: LogOptions = {}) {
    this.#options = options;
  }

  /** The log so far. */
  get text(): string {
    return this.#lines.map((line) => `${line}\n`).join('');
  }

  /** Lets time pass. */
  wait(ms: number): this {
    this.#clockMs += ms;
    return this;
  }

  /** A line as it is. */
  raw(line: string): this {
    this.#lines.push(line);
    return this;
  }

  record(kind: string, body: unknown, { id, payload, md5 }: RecordOptions = {}): this {
    const { rank, prefix = '' } = this.#options;
    const json = {
      [kind]: body,
      ...(rank === undefined || kind === 'str' ? {} : { rank }),
      ...idFields(id),
      ...(payload === undefined
        ? {}
        : { has_payload: md5 ?? createHash('md5').update(payload, 'utf8').digest('hex') }),
    };
    this.#lines.push(
      `${prefix}V1120 ${this.#stamp()} 4711 torch/_dynamo/convert_frame.py:42] ${JSON.stringify(json)}`,
    );
    if (payload !== undefined) for (const line of payload.split('\n')) this.#lines.push(`${prefix}\t${line}`);
    this.#clockMs += 1;
    return this;
  }

  artifact(name: string, payload: string, id?: string, encoding = 'string'): this {
    return this.record('artifact', { name, encoding }, { payload, ...(id === undefined ? {} : { id }) });
  }

  start(id: string, frames: readonly Frame[]): this {
    const stack = frames.map(([file, line, name, loc]) => ({
      line,
      name,
      filename: this.#intern(file),
      loc: loc ?? '',
    }));
    return this.record('dynamo_start', { stack }, { id });
  }

  /** An input of the function. */
  input(
    id: string,
    describer: number,
    index: number,
    source: string,
    size: readonly number[],
    more: object = {},
  ): this {
    let expected = 1;
    const stride = size.toReversed().map((dim) => {
      const step = expected;
      expected *= dim;
      return step;
    });
    const tensor = {
      id: index,
      ndim: size.length,
      dtype: 'torch.float32',
      device: "device(type='cpu')",
      size,
      stride: stride.toReversed(),
      describer_id: describer,
      ...more,
    };
    return this.record('describe_tensor', tensor, { id }).record(
      'describe_source',
      { describer_id: describer, id: index, source },
      { id },
    );
  }

  metrics(id: string, fields: object): this {
    const empty = { graph_op_count: null, restart_reasons: [], fail_type: null, fail_reason: null };
    return this.record('compilation_metrics', { ...empty, ...fields }, { id });
  }

  /** A begin or end of the time line; `timeMs` counts from the log's first moment. */
  event(name: string, phase: 'B' | 'E', timeMs: number, id: string, args: object = {}): this {
    const ts = Date.UTC(2026, 10, 20, 9) * 1000 + timeMs * 1000;
    const compileId = id.replace(/_\d+$/, '');
    const payload = JSON.stringify(
      { name, ts, args: { ...args, compile_id: compileId }, ph: phase, cat: 'dynamo_timed', tid: 0, pid: 0 },
      null,
      0,
    );
    return this.record('chromium_event', {}, { id, payload });
  }

  #intern(file: string): number {
    const known = this.#strings.get(file);
    if (known !== undefined) return known;
    const index = this.#strings.size;
    this.#strings.set(file, index);
    this.record('str', [file, index]);
    return index;
  }

  #stamp(): string {
    const at = new Date(this.#clockMs).toISOString();
    return `${at.slice(11, 19)}.${at.slice(20, 23)}000`;
  }
}

/** The text of a graph break as torch words it since 2.7. */
export function breakText(
  site: { file: string; line: number; function: string; code: string },
  type: string,
  more: {
    explanation?: string;
    hints?: readonly string[];
    context?: string;
    gb?: string;
    outer?: readonly Frame[];
  } = {},
): string {
  const outer = (more.outer ?? []).flatMap(([file, line, name, code]) => [
    `  File "${file}", line ${line}, in ${name}`,
    ...(code === undefined ? [] : [`    ${code}`]),
  ]);
  return [
    `Graph break in user code at ${site.file}:${site.line}`,
    `Graph Break Reason: ${type}`,
    `  Explanation: ${more.explanation ?? 'Dynamo cannot do this.'}`,
    ...(more.hints ?? []).map((hint) => `  Hint: ${hint}`),
    '',
    `  Developer debug context: ${more.context ?? 'none'}`,
    '',
    ...(more.gb === undefined
      ? []
      : [
          ` For more details about this graph break, please visit: https://meta-pytorch.github.io/compile-graph-break-site/gb/gb${more.gb}.html`,
          '',
        ]),
    'User code traceback:',
    ...outer,
    `  File "${site.file}", line ${site.line}, in ${site.function}`,
    `    ${site.code}`,
    '',
    'Traceback (most recent call last):',
    '  File "/opt/torch/_dynamo/symbolic_convert.py", line 900, in wrapper',
    '    return inner_fn(self, inst)',
    `torch._dynamo.exc.Unsupported: ${type}`,
    '',
  ].join('\n');
}

/** A guard tree with one leaf per line given. */
export function guardTree(leaves: readonly string[], latencyUs = 12): string {
  return [
    '',
    'TREE_GUARD_MANAGER:',
    '+- RootGuardManager',
    ...leaves.map((leaf) => `| +- ${leaf}`),
    '',
    `Guard latency = ${latencyUs}.00 us`,
  ].join('\n');
}

/** The tensor guard of an input; `null` dims are dynamic. */
export function tensorGuard(source: string, size: readonly (number | null)[], dtype = 'float32'): string {
  const dims = size.map((dim) => (dim === null ? 'None' : String(dim))).join(', ');
  return `TENSOR_MATCH: check_tensor(${source}, Tensor, DispatchKeySet(CPU, BackendSelect), torch.${dtype}, device=None, requires_grad=False, size=[${dims}], stride=[1])  # return x  # app/model.py:3 in forward`;
}

/** FX code of a graph that applies `relu` a number of times. */
export function fxCode(shape: string, count: number, file: string, line: number, name: string): string {
  const body = Array.from({ length: count }, (_, index) => {
    const from = index === 0 ? 'l_x_' : `y_${index}`;
    return `        # File: ${file}:${line} in ${name}, code: x = x.relu()\n        y_${index + 1}: "f32[${shape}][8, 1]cpu" = ${from}.relu();  ${from} = None\n`;
  });
  return `class GraphModule(torch.nn.Module):\n    def forward(self, L_x_: "f32[${shape}][8, 1]cpu"):\n        l_x_ = L_x_\n\n${body.join('\n')}        return (y_${count},)\n`;
}
