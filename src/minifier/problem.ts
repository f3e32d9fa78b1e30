/**
 * The thing being solved: the smallest test case that still fails the same way. A problem holds the best so far and
 * answers one question, "which of these candidates, in this order, is the first that still fails?". Everything
 * that makes the answer cheap or safe lives behind it: the cache, the journal, speculation over several processes,
 * repetition for flaky failures, cold re-checks, budget and interruption. The nouns are Shrink Ray's.
 *
 * Speculation keeps results independent of `jobs`: candidates are started ahead on the assumption that the earlier
 * ones fail the test, but they are *committed* strictly in order, and only commits count, accept and stop.
 */
import type { MinifyRecord } from '../ir/record.ts';
import type { Budget } from './budget.ts';
import type { Journal } from './journal.ts';
import type { Oracle } from './oracle.ts';
import { formatSignature, showsFailure, signatureKey, type Signature, type Verdict } from './verdict.ts';

/** What the search must know about a kind of test case. */
export interface Domain<T> {
  readonly unit: 'tokens' | 'nodes';
  size(testCase: T): number;
  /** Smaller is better, compared from the left. A candidate must be smaller than the best. */
  sortKey(testCase: T): readonly number[];
  /** Equal for test cases that are the same program. */
  hash(testCase: T): string;
  text(testCase: T): string;
  /** What is written to disk for it. */
  files(testCase: T): Readonly<Record<string, string | Uint8Array>>;
}

export interface Candidate<T> {
  readonly testCase: T;
}

/** A failure other than the expected one that some candidate showed. */
export interface Slip<T> {
  readonly signature: Signature;
  readonly message: string;
  readonly testCase: T;
  readonly count: number;
}

export interface ProblemOptions<T> {
  readonly initial: T;
  readonly expected: Signature;
  readonly domain: Domain<T>;
  readonly oracle: Oracle<T>;
  readonly journal: Journal;
  /** Trials in flight at once; has no influence on the result. */
  readonly jobs: number;
  readonly budget: Budget;
  /** Runs after which a candidate that never failed is taken to pass; 1 for a failure that is not flaky. */
  readonly thoroughRuns: number;
  /** Whether the oracle reuses processes, so that accepted steps must be confirmed in fresh ones. */
  readonly isWarm: boolean;
  readonly signal?: AbortSignal;
  /** Each trial waits for it: how a search is paused. */
  readonly gate?: () => Promise<void>;
  readonly now: () => number;
  onRecord(record: MinifyRecord): void;
}

/** Why a reduction ended before its fixed point. */
export class Stopped extends Error {
  readonly reason: 'budget' | 'interrupted';

  constructor(reason: 'budget' | 'interrupted') {
    super(`stopped: ${reason}`);
    this.reason = reason;
  }
}

/** Negative when `left` is smaller. */
export function compareSortKeys(left: readonly number[], right: readonly number[]): number {
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

interface Answer {
  readonly verdict: Verdict;
  readonly runs: number;
}

interface Started<C> {
  readonly candidate: C;
  readonly hash: string;
  readonly isLive: boolean;
  /** Which of the trials at once it is, from 1; absent when it was known. */
  readonly slot?: number;
  readonly startedMs: number;
  readonly answer: Promise<Answer>;
}

const checkpointPrefix = 'checkpoint ';
const maxNeighbours = 2_000;
const maxNeighbourSize = 400;

export class Problem<T> {
  readonly domain: Domain<T>;
  readonly expected: Signature;
  readonly #options: ProblemOptions<T>;
  readonly #answers = new Map<string, Answer>();
  readonly #inFlight = new Map<string, { readonly answer: Promise<Answer>; readonly signal?: AbortSignal }>();
  readonly #committed = new Set<string>();
  readonly #busySlots = new Set<number>();
  readonly #slips = new Map<string, Slip<T>>();
  readonly #startedMs: number;
  #best: T;
  #bestKey: readonly number[];
  #bestHash: string;
  #confirmed: T;
  #neighbours: T[] = [];
  #runsWanted = 1;
  #isCold = false;
  #oracleCalls = 0;
  #accepted = 0;

  constructor(options: ProblemOptions<T>) {
    this.#options = options;
    this.domain = options.domain;
    this.expected = options.expected;
    this.#best = options.initial;
    this.#confirmed = options.initial;
    this.#bestKey = this.domain.sortKey(this.#best);
    this.#bestHash = this.domain.hash(this.#best);
    this.#startedMs = options.now();
    this.#replay(false);
  }

  get best(): T {
    return this.#best;
  }

  /** Different candidates that were decided. The same with any number of jobs, and after a resume. */
  get trials(): number {
    return this.#committed.size;
  }

  /** Times the oracle really ran, speculation and repetition included. */
  get oracleCalls(): number {
    return this.#oracleCalls;
  }

  get accepted(): number {
    return this.#accepted;
  }

  get slips(): readonly Slip<T>[] {
    return [...this.#slips.values()];
  }

  /** Candidates made from the present best that pass: one step away from failing. */
  get passingNeighbours(): readonly T[] {
    return this.#neighbours;
  }

  /** From now on, candidates that did not fail are asked as often as a flaky failure needs. */
  beThorough(): boolean {
    const before = this.#runsWanted;
    this.#runsWanted = this.#options.thoroughRuns;
    return this.#runsWanted > before;
  }

  /**
   * The first candidate, in order, that is smaller than the best and fails as expected; it becomes the best. Candidates
   * are drawn lazily, at most `jobs` ahead.
   * @throws Stopped when the budget is spent or the run was interrupted.
   */
  async firstFailing<C extends Candidate<T>>(
    pass: string,
    candidates: Iterable<C | undefined>,
  ): Promise<C | undefined> {
    const iterator = candidates[Symbol.iterator]();
    const abort = new AbortController();
    const queue: Started<C>[] = [];
    let isExhausted = false;
    try {
      for (;;) {
        while (!isExhausted && queue.filter((started) => started.isLive).length < this.#options.jobs) {
          this.#checkLimits();
          const next = iterator.next();
          if (next.done === true) isExhausted = true;
          else {
            const started = this.#start(pass, next.value, abort.signal);
            if (started !== undefined) queue.push(started);
          }
        }
        const head = queue.shift();
        if (head === undefined) return undefined;
        const answer = await this.#interruptible(head.answer);
        this.#busySlots.delete(head.slot ?? 0);
        if (this.#commit(pass, head, answer)) return head.candidate;
      }
    } finally {
      this.#busySlots.clear();
      abort.abort();
    }
  }

  /** Whether this one candidate is smaller and fails as expected; then it is the best. */
  async accepts(pass: string, testCase: T | undefined): Promise<boolean> {
    if (testCase === undefined) return false;
    return (await this.firstFailing(pass, [{ testCase }])) !== undefined;
  }

  /**
   * Confirms the best in a fresh process. If it fails only in a warm one, state leaked between trials: the search goes
   * back to the last confirmed test case and uses fresh processes from then on.
   */
  async checkpoint(): Promise<boolean> {
    if (!this.#options.isWarm || this.#isCold || this.#best === this.#confirmed) return true;
    const hash = `${checkpointPrefix}${this.#bestHash}`;
    const known = this.#answers.get(hash);
    const answer = known ?? (await this.#interruptible(this.#ask(this.#best, hash, 'checkpoint', true)));
    if (showsFailure(answer.verdict, this.expected)) {
      this.#confirmed = this.#best;
      return true;
    }
    this.#isCold = true;
    this.#answers.clear();
    this.#replay(true);
    this.#adopt(this.#confirmed);
    return false;
  }

  /** Answers of an earlier run: those of warm processes hold until the search had to go cold. */
  #replay(isCold: boolean): void {
    for (const entry of this.#options.journal.replayed) {
      const isForCold = entry.cold === true && !entry.hash.startsWith(checkpointPrefix);
      if (isForCold === isCold) this.#answers.set(entry.hash, entry);
    }
  }

  #checkLimits(): void {
    const { budget, signal, now } = this.#options;
    if (signal?.aborted === true) throw new Stopped('interrupted');
    const isSpent =
      this.trials >= (budget.maxTrials ?? Infinity) ||
      now() - this.#startedMs >= (budget.maxDurationMs ?? Infinity);
    if (isSpent) throw new Stopped('budget');
  }

  async #interruptible<R>(promise: Promise<R>): Promise<R> {
    const { signal } = this.#options;
    if (signal === undefined) return promise;
    if (signal.aborted) throw new Stopped('interrupted');
    let onAbort: () => void = () => {};
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => {
        reject(new Stopped('interrupted'));
      };
      signal.addEventListener('abort', onAbort, { once: true });
    });
    try {
      return await Promise.race([promise, aborted]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  #start<C extends Candidate<T>>(
    pass: string,
    candidate: C | undefined,
    signal: AbortSignal,
  ): Started<C> | undefined {
    if (candidate === undefined) return undefined;
    if (compareSortKeys(this.domain.sortKey(candidate.testCase), this.#bestKey) >= 0) return undefined;
    const hash = this.domain.hash(candidate.testCase);
    const startedMs = this.#options.now();
    const known = this.#answers.get(hash);
    if (known && (known.runs >= this.#runsWanted || showsFailure(known.verdict, this.expected))) {
      return { candidate, hash, isLive: false, startedMs, answer: Promise.resolve(known) };
    }
    const running = this.#inFlight.get(hash);
    const answer =
      running === undefined || running.signal?.aborted === true
        ? this.#ask(candidate.testCase, hash, pass, this.#isCold, signal)
        : running.answer;
    // A speculated answer that nobody waits for must not become an unhandled rejection.
    answer.catch(() => {});
    return { candidate, hash, isLive: true, slot: this.#takeSlot(), startedMs, answer };
  }

  #takeSlot(): number {
    let slot = 1;
    while (this.#busySlots.has(slot)) slot++;
    this.#busySlots.add(slot);
    return slot;
  }

  #ask(testCase: T, hash: string, pass: string, isCold: boolean, signal?: AbortSignal): Promise<Answer> {
    const answer = this.#judge(testCase, hash, pass, isCold, signal).finally(() => {
      if (this.#inFlight.get(hash)?.answer === answer) this.#inFlight.delete(hash);
    });
    this.#inFlight.set(hash, { answer, ...(signal ? { signal } : {}) });
    return answer;
  }

  async #judge(
    testCase: T,
    hash: string,
    pass: string,
    isCold: boolean,
    signal?: AbortSignal,
  ): Promise<Answer> {
    const { oracle, journal, now, gate } = this.#options;
    const parent = this.#bestHash;
    const begunMs = now();
    let runs = this.#answers.get(hash)?.runs ?? 0;
    for (;;) {
      await gate?.();
      const verdict = await oracle.judge(testCase, { cold: isCold, ...(signal ? { signal } : {}) });
      runs++;
      this.#oracleCalls++;
      const answer: Answer = { verdict, runs };
      // Ctrl-C reaches the processes of trials, too: what they said then is not to be kept.
      if (verdict.kind === 'harness' || this.#options.signal?.aborted === true) return answer;
      if (!showsFailure(verdict, this.expected) && runs < this.#runsWanted) continue;
      this.#answers.set(hash, answer);
      const ms = Math.round(now() - begunMs);
      journal.append({ hash, verdict, ms, parent, pass, runs, ...(isCold ? { cold: true } : {}) });
      return answer;
    }
  }

  #commit<C extends Candidate<T>>(pass: string, started: Started<C>, answer: Answer): boolean {
    const { testCase } = started.candidate;
    const isNew = !this.#committed.has(started.hash);
    this.#committed.add(started.hash);
    const isAccepted = showsFailure(answer.verdict, this.expected);
    const { signature } = answer.verdict;
    const isSlip = !isAccepted && signature !== undefined;
    this.#options.onRecord({
      kind: 'minify-trial',
      timeMs: this.#elapsed(),
      pass,
      size: this.domain.size(testCase),
      outcome: isAccepted ? 'accepted' : !isNew ? 'cached' : isSlip ? 'slipped' : 'rejected',
      durationMs: this.#options.now() - started.startedMs,
      ...(started.slot === undefined ? {} : { worker: started.slot }),
    });
    if (isAccepted) {
      this.#accepted++;
      this.#adopt(testCase);
    } else if (isSlip && isNew) this.#noteSlip(signature, answer.verdict.message, testCase);
    else if (
      answer.verdict.kind === 'pass' &&
      this.#neighbours.length < maxNeighbours &&
      this.domain.size(testCase) <= maxNeighbourSize
    ) {
      this.#neighbours.push(testCase);
    }
    return isAccepted;
  }

  #adopt(testCase: T): void {
    this.#best = testCase;
    this.#bestKey = this.domain.sortKey(testCase);
    this.#bestHash = this.domain.hash(testCase);
    this.#neighbours = [];
    this.#options.journal.saveBest(this.domain.files(testCase));
    this.#options.onRecord({
      kind: 'minify-best',
      timeMs: this.#elapsed(),
      size: this.domain.size(testCase),
      text: this.domain.text(testCase),
    });
  }

  #noteSlip(signature: Signature, message: string, testCase: T): void {
    const key = signatureKey(signature);
    const known = this.#slips.get(key);
    const isSmaller =
      known !== undefined &&
      compareSortKeys(this.domain.sortKey(testCase), this.domain.sortKey(known.testCase)) < 0;
    this.#slips.set(key, {
      signature,
      message: known?.message ?? message,
      testCase: known === undefined || isSmaller ? testCase : known.testCase,
      count: (known?.count ?? 0) + 1,
    });
    if (known === undefined) {
      this.#options.onRecord({
        kind: 'minify-slip',
        timeMs: this.#elapsed(),
        signature: formatSignature(signature),
        text: this.domain.text(testCase),
      });
    }
  }

  #elapsed(): number {
    return this.#options.now() - this.#startedMs;
  }
}
