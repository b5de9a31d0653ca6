import { statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { AppView, Deployment, Release } from "../src/api/types.ts";
import { runCommand } from "../src/shared/run-command.ts";
import type { GitRepository } from "./support/git-repository.ts";
import { httpGet } from "./support/http-get.ts";
import { type RunningSteppe, startSteppe, steppeProgram } from "./support/steppe.ts";
import { type TemporaryFolder, temporaryFolder } from "./support/temporary-folder.ts";
import { TestApp } from "./support/test-app.ts";

const HOST = "kept.localhost";
const site = (text: string) => ({ "index.html": text, "assets/app.3f9a1c2b.js": text.repeat(1000) });

test("a backup made while it runs, restored into a new folder, serves the same", { timeout: 90_000 }, async () => {
  using folder = temporaryFolder("backup");
  const file = folder.file("backup.tar");
  const { token, ca, repository } = await backUpWhileItDeploys(folder, file);
  const restored = folder.file("restored");
  const { code, stderr } = await restore(file, restored);
  expect(code, stderr).toBe(0);
  expect(statSync(restored).mode & 0o777).toBe(0o700);
  expect(statSync(join(restored, "token")).mode & 0o777).toBe(0o600);
  expect((await restore(file, restored)).code, "a folder that holds data").not.toBe(0);

  await using steppe = await startSteppe({ data: restored });
  expect([steppe.token, await caOf(steppe)]).toEqual([token, ca]);
  await deployed(steppe);
  const releases = (await steppe.json("releases", "kept")) as Release[];
  const live = releases.find((release) => release.live)?.ref?.replace("refs/tags/", "") ?? "";
  expect(live).toMatch(/^v\d+$/);
  expect((await steppe.getSecurely({ host: HOST })).text).toBe(live);
  expect((await steppe.get({ host: HOST, path: "/assets/app.3f9a1c2b.js" })).text).toBe(live.repeat(1000));
  expect((await steppe.cli("rollback", "kept", "1")).code).toBe(0);
  expect((await steppe.get({ host: HOST })).text).toBe("v1");
  const { pushUrl } = (await steppe.json("app", "show", "kept")) as AppView;
  await repository.tag("after", site("after"));
  const pushed = await repository.tryGit("push", pushUrl ?? "", "after");
  expect(pushed, pushed.stderr).toMatchObject({ code: 0 });
  expect((await steppe.get({ host: HOST })).text).toBe("after");
});

/** Deployments go on meanwhile: the backup is of one moment, and whole. */
async function backUpWhileItDeploys(
  folder: TemporaryFolder,
  file: string,
): Promise<{ token: string; ca: string; repository: GitRepository }> {
  await using steppe = await startSteppe();
  const app = await TestApp.add(steppe, "kept", folder.file("kept"));
  await app.release("v1", site("v1"));
  const backup = steppe.cli("backup", file);
  let made = false;
  void backup.finally(() => (made = true));
  for (let version = 2; !made; version++) await app.release(`v${version}`, site(`v${version}`));
  const { code, stderr } = await backup;
  expect(code, stderr).toBe(0);
  expect(statSync(file).mode & 0o777, "it holds the token").toBe(0o600);
  for (const options of [[], ["--force"]]) {
    const refused = await restore(file, steppe.data, ...options);
    expect(refused.code).toBe(5);
    expect(refused.stderr).toMatch(
      /process \d+ uses it \[ALREADY_RUNNING\]\nhint: Stop it \(`kill \d+` ends all of it/,
    );
  }
  expect((await steppe.get({ host: HOST })).status, "it goes on").toBe(200);
  return { token: steppe.token, ca: await caOf(steppe), repository: app.repository };
}

/** What the backup caught in the middle of goes on in the restored folder, and ends. */
async function deployed(steppe: RunningSteppe): Promise<void> {
  for (;;) {
    const { deployments } = (await steppe.json("status", "kept")) as { deployments: Deployment[] };
    if (deployments.every(({ finishedAt }) => finishedAt !== null)) return;
  }
}

async function restore(file: string, data: string, ...options: string[]): Promise<{ code: number; stderr: string }> {
  const env = { PATH: process.env["PATH"] ?? "/usr/bin:/bin", HOME: "/nonexistent" };
  return await runCommand({ file: steppeProgram, args: ["restore", file, "--data", data, ...options], env });
}

async function caOf({ addresses }: RunningSteppe): Promise<string> {
  return (await httpGet(addresses.api, { host: "127.0.0.1", path: "/v1/ca" })).text;
}
