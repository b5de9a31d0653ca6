import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { runCommand } from "../src/shared/run-command.ts";
import { GitRepository } from "./support/git-repository.ts";
import { peer } from "./support/peers.ts";
import { startSteppe, steppeProgram } from "./support/steppe.ts";
import { temporaryFolder } from "./support/temporary-folder.ts";

test("another machine works by HTTPS, on the host name of the API", { timeout: 120_000 }, async (context) => {
  peer(context, "git");
  await using steppe = await startSteppe({ args: ["--host", "steppe.localhost"] });
  using folder = temporaryFolder("other");
  const url = `https://steppe.localhost:${new URL(steppe.addresses.https).port}`;
  const ca = folder.file("steppe-ca.pem");
  writeFileSync(ca, (await steppe.cli("ca", "show")).stdout);

  /** Somebody who has nothing of the server but what is given. */
  const other = async (args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const PATH = process.env["PATH"] ?? "";
    return await runCommand({
      file: steppeProgram,
      args,
      cwd: folder.path,
      env: { PATH, HOME: folder.path, ...env },
      input: steppe.token,
    });
  };
  const stranger = await other(["login", url]);
  expect([stranger.code, stranger.stderr]).toEqual([5, expect.stringContaining("its certificate is not trusted")]);
  const trusting = { NODE_EXTRA_CA_CERTS: ca };
  expect(await other(["login", url], trusting)).toMatchObject({ code: 0, stderr: "" });
  expect((await other(["app", "add", "blog", "--domain", "blog.localhost"], trusting)).code).toBe(0);
  const byToken = { ...trusting, STEPPE_URL: url, STEPPE_TOKEN: steppe.token };
  expect((await other(["status", "blog"], byToken)).stdout.toString()).toContain("blog.localhost");

  const pushUrl = (await other(["app", "show", "blog", "--push-url"], trusting)).stdout.toString().trim();
  expect(pushUrl).toMatch(new RegExp(`^https://steppe:[^@]+@steppe\\.localhost:${new URL(url).port}/git/blog\\.git$`));
  const repository = await GitRepository.init(folder.file("site"));
  await repository.tag("v1", { "index.html": "from afar" });
  const refused = await repository.tryGit("push", pushUrl, "v1");
  expect([refused.code, refused.stderr]).toEqual([128, expect.stringContaining("certificate")]);
  await repository.git("config", "http.sslCAInfo", ca);
  await repository.git("push", "--quiet", pushUrl, "v1");
  expect((await steppe.get({ host: "blog.localhost", path: "/" })).text).toBe("from afar");
  expect(readFileSync(folder.file(".config/steppe/credentials.json"), "utf8")).toContain(url);
});
