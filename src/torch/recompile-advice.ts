/**
 * The history of one function's recompiles in, a forecast and remedies out: does a value go on growing the cache, has
 * torch made the dimension dynamic, when is the limit reached, and what to change. Wording lives here because torch
 * has none for most causes.
 */
import { shortenSource } from './guard-tree.ts';
import { outcomeOf } from './outcome.ts';
import type { FailureCause } from './recompile-reason.ts';
import type { Change, Family } from './recompiles.ts';

/** One fact of a function that differed between its compilations. */
export interface Varying {
  readonly what: string;
  readonly change: Change;
  /** Values in order of appearance, without repeats. */
  readonly values: readonly string[];
  /** Recompiles that it took part in. */
  readonly recompiles: number;
}

export interface FamilyForecast {
  readonly varying: readonly Varying[];
  /** `converged`: nothing changed since the value became dynamic; `growing`: each new value compiles again. */
  readonly trend: 'converged' | 'growing' | 'limit' | 'once';
  readonly text: string;
}

const defaultLimit = 8;

function varyingFacts(family: Family): Varying[] {
  const facts = new Map<string, { change: Change; values: string[]; recompiles: number }>();
  for (const { changes } of family.recompiles) {
    for (const change of changes) {
      const known = facts.get(change.what) ?? { change, values: [], recompiles: 0 };
      for (const value of [change.expected, change.actual]) {
        if (!known.values.includes(value)) known.values.push(value);
      }
      known.recompiles++;
      if (change.isNamed) known.change = change;
      facts.set(change.what, known);
    }
  }
  const list = [...facts].map(([what, fact]) => ({ what, ...fact }));
  return list.sort(
    (left, right) =>
      Number(right.change.isNamed) - Number(left.change.isNamed) || right.recompiles - left.recompiles,
  );
}

/** Whether the newest compiled graph takes any value of the fact: a symbol stands for it. */
function becameDynamic(family: Family, fact: Varying): boolean {
  if (fact.change.cause !== 'size' && fact.change.cause !== 'value') return false;
  const newest = family.compilations.findLast((compile) => compile.graph !== undefined);
  if (newest === undefined) return false;
  const { subject, axis } = fact.change;
  const wanted = axis === undefined ? subject : `${subject}.size()[${axis}]`;
  return [...newest.symbols.values()].some((source) => shortenSource(source) === wanted);
}

/** What will happen if the program goes on like this. */
export function forecast(family: Family): FamilyForecast {
  const varying = varyingFacts(family);
  const compiled = family.compilations.filter((compile) => !outcomeOf(compile).isLimit).length;
  const limit = family.compilations.findLast((compile) => compile.metrics?.recompileLimit !== undefined)
    ?.metrics?.recompileLimit;
  const bound = limit ?? defaultLimit;
  const named = varying.filter((fact) => fact.change.isNamed);
  const worst = (named.length > 0 ? named : varying)[0];
  const subject = worst?.what ?? 'a guard';
  if (family.recompiles.some((recompile) => recompile.isLimit)) {
    const text = `The limit of ${bound} compilations is reached: calls with a new ${subject} run eager from here on, and so does what they call.`;
    return { varying, trend: 'limit', text };
  }
  const dynamic = (named.length > 0 ? named : varying).filter((fact) => becameDynamic(family, fact));
  if (named.length > 0 && dynamic.length === named.length) {
    const what = dynamic.map((fact) => fact.what).join(', ');
    return {
      varying,
      trend: 'converged',
      text: `${what} became dynamic: further values need no compilation, except 0, 1 and where the code branches on it.`,
    };
  }
  const static_ = named.find((fact) => !becameDynamic(family, fact)) ?? worst;
  const values = static_?.values.length ?? 0;
  if (static_ !== undefined && static_.recompiles > 1 && values > 2) {
    const left = Math.max(0, bound - compiled);
    return {
      varying,
      trend: 'growing',
      text: `Each new ${static_.what} compiles again (${values} values, ${compiled} compilations so far); ${left} more and the limit of ${bound} is reached, after which calls run eager.`,
    };
  }
  return {
    varying,
    trend: 'once',
    text: `${subject} changed once; a further new value may compile again (${compiled} of at most ${bound} compilations).`,
  };
}

function dimensionAdvice(change: Change): string[] {
  const { subject, axis } = change;
  const mark =
    axis === undefined
      ? `Mark the changing dimension of \`${subject}\` dynamic before the first call: \`torch._dynamo.mark_dynamic(${subject}, dim)\`.`
      : `Call \`torch._dynamo.mark_dynamic(${subject}, ${axis})\` before the first call: one dynamic graph from the start instead of one per size.`;
  return [
    mark,
    `Pad \`${subject}\` to one size, or bucket it to a few (powers of two), when kernels for fixed sizes are faster.`,
    'For the last, smaller batch of an epoch use `DataLoader(..., drop_last=True)` or pad it.',
  ];
}

function valueAdvice(change: Change): string[] {
  const { subject, expected } = change;
  const name = `\`${subject}\``;
  if (/^-?\d+$/.test(expected) && subject.startsWith('self.')) {
    return [
      `Hold ${name} in a tensor (\`register_buffer\`) or set \`torch._dynamo.config.allow_unspec_int_on_nn_module = True\`: integers on modules are constants to Dynamo.`,
      `Hoist what changes ${name} out of the compiled function.`,
    ];
  }
  if (/^-?\d+$/.test(expected)) {
    return [
      `Pass ${name} as a tensor (\`torch.tensor(${expected})\`), or leave automatic dynamic shapes on: a second value makes an int argument dynamic unless the code needs its number.`,
      `Hoist a step counter or epoch out of the compiled function.`,
    ];
  }
  if (/^-?[\d.]+(?:e[-+]?\d+)?$/.test(expected)) {
    return [
      `Pass ${name} as a 0-d tensor: a float argument that changes (a learning rate, a scale) is a constant otherwise.`,
    ];
  }
  return [
    `Hoist ${name} out of the compiled function: compute what depends on it before, or compile one function per value on purpose.`,
    `When there are only a few values, a graph for each is fine: call it with all of them while warming up.`,
  ];
}

type Advise = (change: Change) => string[];

const convert: Advise = ({ subject, cause }) => [
  `Convert \`${subject}\` once, outside the compiled function, so that it always arrives with the same ${cause}.`,
];
const sameMode: Advise = ({ subject }) => [
  `Call the function under the same mode each time (\`torch.no_grad()\`, \`torch.inference_mode()\`, autocast), and \`detach()\` \`${subject}\` consistently; training and evaluation need one graph each.`,
];
const sameNumber: Advise = ({ subject }) => [
  `Keep the number of elements fixed: \`${subject}\` is unrolled into the graph. Stack the tensors into one, or pad the list.`,
];
const sameObject: Advise = ({ subject }) => [
  `Create the function, module or object behind \`${subject}\` once and pass the same one: a lambda or \`functools.partial\` made per call is a new object each time.`,
];
const lookCloser: Advise = () => ['Run with `TORCH_LOGS=recompiles_verbose` to see the guard that failed.'];

const advice: Readonly<Record<FailureCause, Advise>> = {
  size: dimensionAdvice,
  rank: dimensionAdvice,
  range: () => [
    'The graph is dynamic, but the code branches on this size, or 0 and 1 are special: pad to stay inside the range, or take the branch out of the compiled function.',
    'Where a size of 1 must not get a graph of its own: `torch._dynamo.decorators.mark_unbacked(tensor, dim)`.',
  ],
  stride: ({ subject }) => [
    `Call \`.contiguous()\` on \`${subject}\` (or keep one memory format) before the compiled function.`,
  ],
  dtype: convert,
  device: convert,
  requires_grad: sameMode,
  'dispatch keys': sameMode,
  'global state': ({ subject }) => [
    `Set ${subject} once before compiling; switching it between calls (grad mode, autocast, threads, deterministic algorithms) compiles once per state.`,
  ],
  value: valueAdvice,
  length: sameNumber,
  contains: sameNumber,
  identity: sameObject,
  type: sameObject,
  invalidated: () => [
    'An object that the graph was guarded on was freed: keep it alive outside the compiled function (hoist its creation), or remove the graph break that passes it on.',
  ],
  aliasing: () => ['Pass tensors that share no storage, or always the same that do: clone one of them.'],
  limit: lookCloser,
  unknown: lookCloser,
};

/** Remedies for one changed fact, best first. */
export function adviceFor(change: Change): string[] {
  return advice[change.cause](change);
}
