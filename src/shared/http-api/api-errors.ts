import type { SteppeError } from "../errors.ts";
import type { TransportError } from "../http/transport-error.ts";
import type { Purpose } from "./purpose.ts";
import type { UnexpectedAnswer } from "./unexpected-answer.ts";

/** What the failures of one kind of server are called. */
export interface ApiErrors {
  /**
   * No whole answer came.
   *
   * @param mayBeDone whether it was a change, and may have been carried out all the same
   */
  unreachable(purpose: Purpose, server: string, error: TransportError, mayBeDone: boolean): SteppeError;
  /** The answer is not one of those that were expected. It belongs into the error as its cause. */
  answer(purpose: Purpose, unexpected: UnexpectedAnswer): SteppeError;
  /** The answer makes no sense: `why` is a part of a sentence about it. */
  invalid(purpose: Purpose, server: string, why: string, cause?: unknown): SteppeError;
  /** Whether asking again may help; of 429, 502, 503 and 504 that is known. */
  isTransient(unexpected: UnexpectedAnswer): boolean;
}
