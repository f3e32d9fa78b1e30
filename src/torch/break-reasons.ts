/**
 * PyTorch's graph breaks by id, for `fullgraph why GB0170`: those that matter in practice, in our own words, with the
 * remedies that reports give. PyTorch's site has all 554, most without any remedy.
 */
import { hintsFor } from './break-advice.ts';

export interface TorchBreakReason {
  /** `GB0170`. */
  readonly id: string;
  readonly title: string;
  /** What happened and why tracing cannot go on. */
  readonly explanation: string;
  /** Best first. */
  readonly hints: readonly string[];
  /** Python that breaks, and the same without the break. */
  readonly bad?: string;
  readonly good?: string;
  readonly url: string;
}

type Entry = Pick<TorchBreakReason, 'title' | 'explanation' | 'bad' | 'good'>;

const entries: Readonly<Record<string, Entry>> = {
  GB0007: {
    title: 'Call of a function that Dynamo skips',
    explanation:
      'The called function is on the list of what Dynamo never traces: C extensions, parts of the standard library, functions marked as skipped. The graph ends before the call, the call runs eager, a new graph begins behind it.',
    bad: '@torch.compile\ndef step(x):\n    started = time.perf_counter()\n    return x * 2, started',
    good: '@torch.compile\ndef step(x):\n    return x * 2\n\nstarted = time.perf_counter()\ny = step(x)',
  },
  GB0025: {
    title: 'Break on purpose',
    explanation: 'The code calls `torch._dynamo.graph_break()`.',
  },
  GB0033: {
    title: 'Operator whose result is a Python value',
    explanation:
      'The operator turns tensor data into something that Python sees (a number, a bool, a size). While tracing there is no data, so the value cannot be known.',
    bad: 'if torch.equal(x, y):\n    x = x + 1',
    good: 'x = torch.where((x == y).all(), x + 1, x)',
  },
  GB0036: {
    title: 'Operator whose output size depends on data',
    explanation:
      '`nonzero`, `unique`, `masked_select`, boolean indexing: how many elements come out is known only after the data was looked at, and the graph needs sizes.',
    bad: 'kept = scores[scores > 0.5].sum()',
    good: 'kept = torch.where(scores > 0.5, scores, 0).sum()',
  },
  GB0039: {
    title: 'Recompile limit',
    explanation:
      'The function was compiled as often as `torch._dynamo.config.recompile_limit` allows (8 by default). Every new kind of call runs eager from there on, and so does what it calls.',
  },
  GB0055: {
    title: 'Argument that cannot enter the graph',
    explanation:
      'A call that should become a node of the graph has an argument that is no tensor, number, string or container of these, so there is no way to write it down.',
  },
  GB0059: {
    title: 'Builtin that Dynamo cannot trace',
    explanation:
      'A Python builtin (`print`, `open`, `sum` over an odd iterable...) has an effect or a type that the graph cannot hold.',
    bad: '@torch.compile\ndef step(x):\n    y = x * 2\n    print(y.shape)\n    return y.relu()',
    good: '@torch.compile\ndef step(x):\n    return (x * 2).relu()\n\ny = step(x)\nprint(y.shape)',
  },
  GB0088: {
    title: 'Exception while tracing',
    explanation:
      'The traced code raises, and nobody in the compiled function catches it. The function runs eager, where the exception is raised again.',
  },
  GB0098: {
    title: 'Function excluded from compilation',
    explanation: 'The called function carries `torch.compiler.disable`, so the graph ends before it.',
  },
  GB0109: {
    title: 'Tensor.tolist()',
    explanation:
      'A list of Python numbers is asked for: the data must be there, so the graph has to run first.',
  },
  GB0123: {
    title: 'Tensor.backward() inside the compiled function',
    explanation: 'Dynamo traces the forward pass; the call of autograd belongs outside of it.',
    bad: '@torch.compile\ndef step(x):\n    loss = model(x).sum()\n    loss.backward()',
    good: '@torch.compile\ndef loss_of(x):\n    return model(x).sum()\n\nloss_of(x).backward()',
  },
  GB0124: {
    title: 'Tensor.item()',
    explanation:
      'A Python number is made of a tensor. Its value is not known while tracing, so the graph ends, runs, and a new one begins with the number as a constant or input.',
    bad: 'scale = x.abs().max().item()\nreturn x / scale',
    good: 'scale = x.abs().max()\nreturn x / scale',
  },
  GB0142: {
    title: 'Context manager that Dynamo cannot enter',
    explanation:
      'Code under `with` of an unknown context manager cannot be traced, and tracing cannot resume inside it.',
    bad: '@torch.compile\ndef step(x):\n    with lock:\n        return model(x)',
    good: '@torch.compile\ndef step(x):\n    return model(x)\n\nwith lock:\n    y = step(x)',
  },
  GB0150: {
    title: 'hasattr on an object that Dynamo does not know',
    explanation: 'Whether the attribute is there cannot be told for this kind of object while tracing.',
  },
  GB0156: {
    title: 'Method that Dynamo cannot trace',
    explanation: 'The method of this object has no known meaning for the graph.',
  },
  GB0170: {
    title: 'Data-dependent branching',
    explanation:
      'An `if`, `while`, `assert` or `and`/`or` decides on the numbers inside a tensor. Which side runs is known only when the graph up to here has run, so it ends here, and each side is a graph of its own.',
    bad: '@torch.compile\ndef step(x):\n    if x.sum() > 0:\n        return x * 2\n    return x - 1',
    good: '@torch.compile\ndef step(x):\n    return torch.where(x.sum() > 0, x * 2, x - 1)',
  },
  GB0179: {
    title: 'copy.deepcopy',
    explanation: 'Copying objects runs arbitrary code of theirs, which cannot be part of a graph.',
  },
  GB0206: {
    title: 'requires_grad changed inside the compiled function',
    explanation:
      'What autograd follows is decided before the graph is made; changing it in the middle cannot be traced.',
  },
  GB0291: {
    title: 'Logging',
    explanation: 'A call of a `logging.Logger` writes somewhere, which the graph cannot hold.',
    bad: '@torch.compile\ndef step(x):\n    logger.info("step")\n    return x * 2',
    good: '@torch.compile\ndef step(x):\n    if not torch.compiler.is_compiling():\n        logger.info("step")\n    return x * 2',
  },
};

/** In order of id. */
export const torchBreakReasons: readonly TorchBreakReason[] = Object.entries(entries).map(([id, entry]) => ({
  id,
  ...entry,
  hints: hintsFor({
    site: undefined,
    id,
    type: entry.title,
    url: undefined,
    explanation: undefined,
    hints: [],
    context: undefined,
    tracing: undefined,
    isSkip: false,
    frames: [],
    nested: undefined,
  }),
  url: torchBreakUrl(id),
}));

/** PyTorch's own page. */
export function torchBreakUrl(id: string): string {
  return `https://meta-pytorch.github.io/compile-graph-break-site/gb/${id.toLowerCase()}.html`;
}
