import { SteppeError } from "../shared/errors.ts";

/** The reason of an abort that leaves the deployment in the journal as it is, to be taken up again at the next start. */
export const STOPPING = new SteppeError("SHUTTING_DOWN", {
  operation: "deploy",
  subject: "all apps",
  cause: "Steppe is stopping",
});
