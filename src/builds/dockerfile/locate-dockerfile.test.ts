import { existsSync, lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { locateDockerfile, replaceIgnoreFile } from "./locate-dockerfile.ts";

const DEFINITION = { file: "Dockerfile", context: "." };

describe("locateDockerfile", () => {
  test.each(["Dockerfile", "Dockerfile.dockerignore", ".dockerignore", ".containerignore"])(
    "%s may not be a link that leads out of the checkout",
    async (name) => {
      using folder = temporaryFolder("locate-dockerfile");
      mkdirSync(folder.file("checkout"));
      writeFileSync(folder.file("outside"), "FROM scratch\n");
      if (name !== "Dockerfile") writeFileSync(folder.file("checkout/Dockerfile"), "FROM scratch\n");
      symlinkSync("../outside", folder.file("checkout", name));
      await expect(locateDockerfile(folder.file("checkout"), DEFINITION, "blog@v1")).rejects.toMatchObject({
        code: "LINK_OUTSIDE",
      });
    },
  );
});

test.each(["Dockerfile", "Dockerfile.dockerignore"])("%s is read whole, and so may not be large", async (name) => {
  using folder = temporaryFolder("locate-dockerfile");
  writeFileSync(folder.file("Dockerfile"), "FROM scratch\n");
  writeFileSync(folder.file(name), "#\n".repeat(600_000));
  await expect(locateDockerfile(folder.path, DEFINITION, "blog@v1")).rejects.toThrow("has 1200000 bytes");
});

describe("replaceIgnoreFile", () => {
  const content = Buffer.from("*.md\n");

  test.each([
    ["leads to nothing outside of the checkout", "../made"],
    ["leads to a file of the context", "page.html"],
    ["leads to itself", ".dockerignore"],
  ])("a link that %s is not written through", async (_, target) => {
    using folder = temporaryFolder("ignore-file");
    mkdirSync(folder.file("context"));
    writeFileSync(folder.file("context/page.html"), "page");
    symlinkSync(target, folder.file("context/.dockerignore"));
    await replaceIgnoreFile(folder.file("context"), content);
    expect(existsSync(folder.file("made"))).toBe(false);
    expect(readFileSync(folder.file("context/page.html"), "utf8")).toBe("page");
    expect(lstatSync(folder.file("context/.dockerignore")).isFile()).toBe(true);
    expect(readFileSync(folder.file("context/.dockerignore"))).toEqual(content);
  });
});
