/**
 * Our own remedies for the graph breaks that matter in practice, by PyTorch's id and, for logs without ids, by the
 * words of its kind. PyTorch's registry has no hint for several of them, data-dependent branching above all, and
 * generic ones ("report an issue") for most.
 */
import type { BreakText } from './break-text.ts';

interface BreakAdvice {
  readonly ids: readonly string[];
  readonly words: RegExp;
  readonly advise: (event: BreakText) => readonly string[];
}

function subjectOf(event: BreakText, pattern: RegExp): string | undefined {
  return pattern.exec(event.context ?? '')?.[1] ?? pattern.exec(event.explanation ?? '')?.[1];
}

function conditionOf(event: BreakText): string {
  const code = event.frames[0]?.code;
  return code === undefined ? 'The condition' : `\`${code}\``;
}

function builtinAdvice(event: BreakText): readonly string[] {
  const name = subjectOf(event, /builtin (?:operator )?`?(\w+)/);
  if (name === 'print') {
    return [
      'Move the `print` out of the compiled function, or behind its end.',
      'To keep it: `torch._dynamo.config.reorderable_logging_functions.add(print)` prints after the graph has run.',
      'Guard debug output with `if not torch.compiler.is_compiling():`.',
    ];
  }
  if (name === 'open' || name === 'input') {
    return [
      `Do the file or console access (\`${name}\`) before or after the compiled function and pass its result in.`,
    ];
  }
  const shown = name === undefined ? 'the builtin' : `\`${name}\``;
  return [
    `Replace ${shown} by a torch operation, or call it outside the compiled function.`,
    'Wrap it in a `torch.library.custom_op` with a fake implementation when it must stay inside.',
  ];
}

function skippedAdvice(event: BreakText): readonly string[] {
  const name = subjectOf(event, /qualname: (\S+?),/) ?? subjectOf(event, /builtin `([\w.]+?)\.?`/);
  const shown = name === undefined ? 'the function' : `\`${name}\``;
  const special = /time|perf_counter|monotonic/.test(name ?? '')
    ? ['Take time stamps outside the compiled function; inside they measure tracing, not execution.']
    : /random|urandom/.test(name ?? '')
      ? [
          'Draw random numbers with `torch.rand` and its relatives inside, or draw them outside and pass them in.',
        ]
      : [];
  return [
    ...special,
    `Call ${shown} before the compiled function and pass its result in, or after it.`,
    'For a C or C++ extension: register a `torch.library.custom_op` with a fake implementation; for a pure function of constants: `torch.compiler.assume_constant_result`.',
  ];
}

const table: readonly BreakAdvice[] = [
  {
    ids: ['GB0170'],
    words: /^data-dependent branching/i,
    advise: (event) => [
      `${conditionOf(event)} decides on numbers inside a tensor. Make it branchless: compute both sides and choose with \`torch.where(condition, a, b)\`, or clamp, mask or multiply by the condition.`,
      'Keep both branches in the graph with `torch.cond(condition, true_fn, false_fn, (inputs,))` when they are expensive.',
      'For a check that should fail loudly: `torch._check(...)` or `torch._assert_async(...)` instead of `if ...: raise`.',
      'If it depends on configuration and not on data, decide with a Python bool before the compiled function.',
    ],
  },
  {
    ids: ['GB0124', 'GB0033'],
    words: /Tensor\.item\(\)|data.dependent operator/i,
    advise: () => [
      'Keep the value a 0-d tensor: arithmetic, comparison and `torch.where` take it as it is.',
      'If it must be a Python number inside the graph: `torch._dynamo.config.capture_scalar_outputs = True` (then `torch._check` its range where a size depends on it).',
      'Read numbers for logging after the compiled function, every n-th step.',
    ],
  },
  {
    ids: ['GB0036'],
    words: /^dynamic shape operator/i,
    advise: () => [
      'Use a form whose size does not depend on data: a mask with `torch.where`, `topk` with a fixed k, `nonzero_static(size=...)` instead of `nonzero`, padding instead of `masked_select`.',
      'Let the graph carry unknown sizes: `torch._dynamo.config.capture_dynamic_output_shape_ops = True`.',
      'Postprocessing such as non-maximum suppression is often best left eager behind the compiled model: end the compiled function before it.',
    ],
  },
  { ids: ['GB0059'], words: /failed to trace builtin operator/i, advise: builtinAdvice },
  { ids: ['GB0007'], words: /function marked as skipped/i, advise: skippedAdvice },
  {
    ids: ['GB0179'],
    words: /copy\.deepcopy/i,
    advise: () => [
      'Copy once at set-up, outside the compiled function; inside, `tensor.clone()` or a shallow `dict(...)` is enough.',
    ],
  },
  {
    ids: ['GB0055'],
    words: /convert args\/kwargs to proxy/i,
    advise: () => [
      'Pass tensors, numbers, strings and containers of these to the call; take apart custom objects before it, or register them with `torch.utils._pytree.register_pytree_node`.',
    ],
  },
  {
    ids: ['GB0156'],
    words: /unsupported method call/i,
    advise: () => [
      'Replace the method by a torch function or a plain Python expression, or call it outside the compiled function.',
    ],
  },
  {
    ids: ['GB0206'],
    words: /requires_grad/i,
    advise: () => ['Set `requires_grad` before the compiled function; inside, work on a detached copy.'],
  },
  {
    ids: ['GB0291'],
    words: /logging\.Logger|logger method/i,
    advise: () => [
      'Move the log call out of the compiled function, or guard it with `if not torch.compiler.is_compiling():`.',
      'To drop it while compiled: `torch._dynamo.config.ignore_logging_functions.add(logger.warning)` (the method it names).',
    ],
  },
  {
    ids: ['GB0098'],
    words: /torch\.compiler\.disable/i,
    advise: () => [
      'The function was excluded on purpose. Move its call to the edge of the compiled region, so that it splits nothing, or remove the decorator if its reason is gone.',
    ],
  },
  {
    ids: ['GB0025'],
    words: /torch\._dynamo\.graph_break/i,
    advise: () => [
      'Somebody put the break there on purpose: remove `torch._dynamo.graph_break()` if its reason is gone.',
    ],
  },
  {
    ids: ['GB0142'],
    words: /unsupported context manager/i,
    advise: (event) => [
      `Open ${subjectOf(event, /enter a (`\w+`)/) ?? 'the context manager'} around the call of the compiled function, not inside it.`,
      "Torch's own context managers (`torch.no_grad`, `torch.autocast`) are fine inside when they are created there.",
    ],
  },
  {
    ids: ['GB0109'],
    words: /tolist\(\)/i,
    advise: () => [
      'Stay with tensor operations (`torch.stack`, indexing, broadcasting), or call `.tolist()` behind the compiled function.',
    ],
  },
  {
    ids: ['GB0150'],
    words: /hasattr call/i,
    advise: () => ['Ask for the attribute once at set-up and keep the answer in a Python bool.'],
  },
  {
    ids: ['GB0088'],
    words: /observed exception/i,
    advise: (event) => [
      `${conditionOf(event)} raises while it is traced. If the program means to raise, check before the compiled function; if not, this is the error to fix: it happens in eager mode as well.`,
    ],
  },
  {
    ids: ['GB0123'],
    words: /Tensor\.backward\(\)/i,
    advise: () => [
      'Compile the model and the loss, and call `backward()` outside; compiled autograd (`torch._dynamo.config.compiled_autograd = True`) captures the backward pass.',
    ],
  },
  {
    ids: ['GB0039'],
    words: /recompile limit/i,
    advise: () => [
      'Make the changing value dynamic or hoist it out; raising `torch._dynamo.config.recompile_limit` only postpones it.',
    ],
  },
];

/** PyTorch's ids that have advice. */
export const advisedIds: readonly string[] = table.flatMap((entry) => entry.ids);

/** Hints of PyTorch that tell a reader nothing to do. */
const emptyHint =
  /^(?:Please report an issue to PyTorch|It may be possible to write Dynamo tracing rules|This graph break is fundamental|This is likely to be a Dynamo bug|If it is a Python builtin, please file an issue|File an issue to PyTorch|This graph break may be difficult to debug)/i;

/** Remedies for a break, ours first, then those of PyTorch's hints that say what to do; empty ones are dropped. */
export function hintsFor(event: BreakText): string[] {
  const entry =
    table.find((candidate) => event.id !== undefined && candidate.ids.includes(event.id)) ??
    table.find((candidate) => candidate.words.test(event.type));
  const own = entry?.advise(event) ?? [];
  const loop = /in a loop|for\/while loop/i.test(`${event.tracing ?? ''} ${event.explanation ?? ''}`);
  const skip =
    event.isSkip && event.type !== 'Observed exception' && !loop
      ? [
          'Torch could not even resume after this break (it sits in a loop, `with`, `try` or an inlined generator), so the whole function ran eager: move the offending line out of that block first.',
        ]
      : [];
  const theirs = event.hints.filter((hint) => !emptyHint.test(hint));
  return [...own, ...skip, ...theirs];
}
