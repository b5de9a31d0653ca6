import type { LogService } from "../api/index.ts";
import { SteppeError } from "../shared/errors.ts";

/** What is asked of an ingress where there is none. */
export function noIngress(operation: string, subject: string): SteppeError {
  return new SteppeError("INGRESS_MISSING", {
    operation,
    subject,
    cause: "there is no ingress of Steppe's on a cluster",
  });
}

/** Logs where no ingress writes any: those of builds. */
export function logsOfBuilds(logs: LogService): LogService {
  return {
    access(app) {
      throw noIngress("read the access log of", app);
    },
    build: (file, request, isFinished) => logs.build(file, request, isFinished),
  };
}
