import type { Command } from "../../shared/run-command.ts";
import { type BuildPlan, commonOptions, IMAGE_ID, secretOptions } from "./build-plan.ts";
import { toolEnvironment } from "./tool-environment.ts";

/**
 * `docker build`, by BuildKit or the classic builder. `docker build` and not `docker buildx build`: it builds in the engine itself, whichever
 * builder somebody has chosen, and leaves the image there. https://docs.docker.com/reference/cli/docker/image/build/
 *
 * @param environment Steppe's own
 */
export function dockerBuild(
  kind: "buildkit" | "classic",
  plan: BuildPlan,
  environment: NodeJS.ProcessEnv,
  more: Readonly<Record<string, string>>,
): Command {
  const own =
    kind === "buildkit"
      ? ["--progress", "plain", ...secretOptions(plan)]
      : // Else the container of a step that failed stays.
        ["--force-rm"];
  const args = [
    "build",
    ...own,
    ...commonOptions(plan),
    "--iidfile",
    IMAGE_ID,
    "--file",
    plan.place.file,
    "--",
    plan.place.context,
  ];
  const env = toolEnvironment("docker", environment, { ...more, DOCKER_BUILDKIT: kind === "buildkit" ? "1" : "0" });
  return { file: "docker", args, env, cwd: plan.workspace };
}
