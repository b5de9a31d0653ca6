import { describe, expect, it } from "vitest";
import { BuildWatch, explainFailure } from "./build-failure.ts";
import type { ToolKind } from "./build-plan.ts";

/** The error for a build that printed this. */
function failure(kind: ToolKind, text: string, platform: string | null = null) {
  const watch = new BuildWatch();
  for (const line of text.split("\n")) watch.line(line);
  const known = { app: "blog", label: "blog@v1", kind, code: 1, detail: text, platform, machine: "linux/amd64" };
  return explainFailure({ ...known, step: watch.step });
}

describe("a build that failed", () => {
  it("names the step, of the one that failed and not of one beside it", () => {
    const buildkit = [
      "#4 [internal] load build context",
      "#5 [one 2/2] RUN make one",
      "#6 [two 2/3] RUN make two",
      "#5 1.2 working",
      "#6 ERROR: executor failed running [/bin/sh -c make two]: exit code: 3",
      "#5 CANCELED",
    ].join("\n");
    expect(failure("buildkit", buildkit).reason).toBe("the step `RUN make two` exited with 3");
    const classic =
      "Step 2/3 : RUN x\n ---> Running in 2d9059afb311\nThe command '/bin/sh -c x' returned a non-zero code: 127";
    expect(failure("classic", classic).reason).toBe("the step `RUN x` exited with 127");
    const buildah = '[1/2] STEP 2/3: RUN x\nerror building at STEP "RUN x": error while running runtime: exit status 9';
    expect(failure("buildah", buildah).reason).toBe("the step `RUN x` exited with 9");
  });

  it("says why a base image did not come, and which instruction is not known", () => {
    const away = [
      "Step 1/2 : FROM base",
      'Get "https://registry.test/v2/": dial tcp: lookup registry.test on 192.0.2.1:53: no such host',
      "",
    ].join("\n");
    expect(failure("classic", away).reason).toMatch(/^the step `FROM base` failed: Get "https:.*no such host$/);
    const misspelled = "Error response from daemon: dockerfile parse error line 3: unknown instruction: COPPY";
    expect(failure("classic", misspelled)).toMatchObject({
      reason: "the Dockerfile cannot be read: line 3: unknown instruction: COPPY",
      hint: expect.stringMatching(/^Correct that line\. .*buildx/) as string,
    });
    const buildkit = "ERROR: failed to solve: dockerfile parse error on line 3: unknown instruction: COPPY";
    expect(failure("buildkit", buildkit)).toMatchObject({
      reason: "the Dockerfile cannot be read: line 3: unknown instruction: COPPY",
      hint: "Correct that line. `steppe logs blog --build` shows the whole log.",
    });
  });

  it("is the step's own fault if that ended by itself, whatever it says of a daemon or a connection", () => {
    const text =
      "Step 1/1 : RUN docker ps\nCannot connect to the Docker daemon\nThe command 'x' returned a non-zero code: 1";
    expect(failure("classic", text)).toMatchObject({ code: "BUILD_FAILED" });
  });

  it.each([
    ["buildkit", "ERROR: failed to solve: write /x: no space left on device", "DISK_FULL", "docker system df"],
    [
      "classic",
      "Error processing tar file(exit status 1): write /x: no space left on device",
      "DISK_FULL",
      "docker system df",
    ],
    ["buildah", "Error: committing: no space left on device", "DISK_FULL", "Free some space"],
    [
      "classic",
      "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
      "BUILDER_UNAVAILABLE",
      "systemctl",
    ],
    [
      "classic",
      "Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?",
      "BUILDER_UNAVAILABLE",
      "DOCKER_HOST",
    ],
    ["buildkit", "error reading from server: EOF", "BUILDER_UNAVAILABLE", "journalctl"],
    ["classic", "the --mount option requires BuildKit", "BUILD_FAILED", "buildx"],
    ["classic", "The command '/bin/sh -c x' returned a non-zero code: 137", "BUILD_FAILED", "journalctl"],
    [
      "buildkit",
      "ERROR: cannot write image-id because server did not provide an image ID",
      "BUILDER_UNAVAILABLE",
      "journalctl",
    ],
    ["buildkit", "#5 0.1 exec /bin/sh: exec format error", "BUILD_FAILED", "qemu-user-static"],
    ["buildkit", "ERROR: nosuch/thing:1: not found", "BUILD_FAILED", "steppe logs blog --build"],
  ] as const)("by %s says what is to be done: %s", (kind, text, code, hint) => {
    expect(failure(kind, text, "linux/arm64")).toMatchObject({
      code,
      subject: "blog@v1",
      hint: expect.stringContaining(hint) as string,
    });
  });

  it("takes what a step prints for no more than its words", () => {
    const watch = new BuildWatch();
    watch.line("Step 1/1 : RUN x");
    watch.line("#9 [nothing 1/1");
    watch.line(" ---> 6cd82232146b");
    expect(watch.step).toBe("RUN x");
    expect([...watch.ids]).toEqual(["6cd82232146b"]);
  });
});
