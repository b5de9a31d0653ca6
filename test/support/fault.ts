import { SteppeError } from "../../src/shared/errors.ts";

/** The SteppeError that `act` throws. Throws what else it throws, and if it throws nothing. */
export function fault(act: () => unknown): SteppeError {
  try {
    act();
  } catch (error) {
    if (error instanceof SteppeError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
