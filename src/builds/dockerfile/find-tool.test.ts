import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { Docker } from "./docker-client.ts";
import { ToolFinder } from "./find-tool.ts";

/** A machine on which these programs are, each a script. */
function machine(programs: Readonly<Record<string, string>>) {
  const folder = temporaryFolder("programs");
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(folder.file(name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  const notes: string[] = [];
  const finder = new ToolFinder(new Docker({ PATH: folder.path }));
  return {
    notes,
    find: (buildKit = false) => finder.find({ buildKit }, (line) => notes.push(line)),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

const docker = (client: string, { server = "20.10.24", buildx = false } = {}): string => `case "$1" in
version) echo '{"Client":{"Version":"${client}"},"Server":{"Version":"${server}","Os":"linux","Arch":"arm64"}}';;
buildx) exit ${buildx ? 0 : 1};;
esac`;
const says = (text: string): string => `echo '${text}' >&2; exit 1`;
const NOT_RUNNING = says(
  "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
);
const FORBIDDEN = says(
  "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock",
);
const BUILDAH = "echo buildah version 1.28.2";

describe("the tool that builds Dockerfiles", () => {
  it.each([
    [docker("20.10.24"), "buildkit", "BuildKit of Docker 20.10.24"],
    [docker("28.2.2", { buildx: true }), "buildkit", "BuildKit of Docker 20.10.24"],
    [docker("28.2.2"), "classic", "the classic builder of Docker 20.10.24"],
    [docker("20.10.24", { server: "18.06.1" }), "classic", "the classic builder of Docker 18.06.1"],
  ])("is the newest builder that Docker's client and daemon have", async (program, kind, title) => {
    using here = machine({ docker: program, buildah: BUILDAH });
    expect(await here.find()).toEqual({ kind, title, platform: "linux/arm64" });
    expect(await here.find(true)).toMatchObject({ kind: kind === "classic" ? "buildah" : "buildkit" });
  });

  it("is buildah if Docker is not there, or not to be reached; the log says why", async () => {
    {
      using here = machine({ buildah: BUILDAH });
      expect(await here.find()).toMatchObject({ kind: "buildah", title: "buildah 1.28.2" });
      expect(here.notes).toEqual([]);
    }
    using here = machine({ docker: NOT_RUNNING, buildah: BUILDAH });
    expect(await here.find()).toMatchObject({ kind: "buildah" });
    expect(here.notes).toEqual(["not by Docker: the Docker daemon does not run, or cannot be reached"]);
  });

  it("that is missing, does not run, may not be asked, or cannot do it is told as such, with what to do", async () => {
    using nothing = machine({});
    await expect(nothing.find()).rejects.toMatchObject({
      code: "BUILDER_MISSING",
      hint: expect.stringMatching(/docker\.io.*buildah/),
    });
    using stopped = machine({ docker: NOT_RUNNING });
    await expect(stopped.find()).rejects.toMatchObject({
      code: "BUILDER_UNAVAILABLE",
      hint: expect.stringContaining("systemctl start docker"),
    });
    using forbidden = machine({ docker: FORBIDDEN });
    await expect(forbidden.find()).rejects.toMatchObject({
      code: "BUILDER_UNAVAILABLE",
      hint: expect.stringContaining("usermod"),
    });
    using classic = machine({ docker: docker("28.2.2") });
    await expect(classic.find(true)).rejects.toMatchObject({
      code: "BUILDER_UNAVAILABLE",
      hint: expect.stringContaining("buildx"),
    });
    using podman = machine({ docker: `echo '{"Client":{"Version":"4.3.1"}}'` });
    await expect(podman.find()).rejects.toMatchObject({ code: "BUILDER_UNAVAILABLE" });
  });
});
