/**
 * The interestingness test as an interface. An oracle runs a test case isolated from the minifier and says what
 * happened; it does not know what is being looked for, so that its answers can be cached and resumed.
 */
import type { Verdict } from './verdict.ts';

export interface JudgeOptions {
  /** Aborted: nobody waits for the answer any more, the oracle may stop early. */
  readonly signal?: AbortSignal;
  /** In a process of its own that ran nothing before. */
  readonly cold?: boolean;
}

export interface Oracle<T> {
  /**
   * Never rejects for anything that the test case does; trouble of our own is a `harness` verdict.
   * @throws the signal's reason when it was aborted before there was an answer.
   */
  judge(testCase: T, options?: JudgeOptions): Promise<Verdict>;
  close(): Promise<void>;
}
