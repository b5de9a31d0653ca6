import { SteppeError } from "../../shared/errors.ts";
import { NO_SPACE } from "../build-errors.ts";

/** The error of a buildah command that failed, other than a build: DISK_FULL, or BUILD_FAILED with what it said. */
export function buildahFailure(args: readonly string[], stderr: string): SteppeError {
  const parts = { operation: "build", subject: "buildah" };
  if (NO_SPACE.test(stderr)) return new SteppeError("DISK_FULL", { ...parts, cause: "no space left on the disk" });
  const cause = `\`buildah ${args[0]}\` failed: ${stderr.trim().split("\n").at(-1) ?? ""}`;
  return new SteppeError("BUILD_FAILED", { ...parts, cause });
}
