import { describe, expect, it } from "vitest";
import { testDockerfile } from "../../../test/support/test-definition.ts";
import { MemoryTree } from "../memory-tree.ts";
import { findDockerfile } from "./find-dockerfile.ts";

describe("whether a Dockerfile makes the image", () => {
  const tree = new MemoryTree({ Dockerfile: "FROM scratch", "index.html": "x" });
  const auto = { dockerfile: testDockerfile, build: null, folder: "." };

  it("hangs on the root's having one, unless the app says how its site is made", async () => {
    expect(await findDockerfile(tree, auto)).toBe(testDockerfile);
    expect(await findDockerfile(new MemoryTree({ "sub/Dockerfile": "FROM scratch" }), auto)).toBe(null);
    expect(await findDockerfile(tree, { ...auto, build: {} })).toBe(null);
    expect(await findDockerfile(tree, { ...auto, folder: "public" })).toBe(null);
    expect(await findDockerfile(tree, { ...auto, dockerfile: null })).toBe(null);
    const own = { ...testDockerfile, auto: false, file: "docker/Dockerfile" };
    expect(await findDockerfile(tree, { ...auto, dockerfile: own, folder: "public" })).toBe(own);
  });
});
