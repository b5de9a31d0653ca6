import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type TemporaryFolder, temporaryFolder } from "../../test/support/temporary-folder.ts";
import { runCommand } from "../shared/run-command.ts";
import { SteppeError } from "../shared/errors.ts";
import { Repositories } from "../sources/index.ts";
import { deployment, event } from "./fake-deployer.ts";
import { type RunningApi, startApi, TOKEN } from "./fakes.ts";

function hasGit(): boolean {
  try {
    execFileSync("git", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const environment = {
  PATH: process.env["PATH"] ?? "",
  HOME: "/nonexistent",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_TERMINAL_PROMPT: "0",
  GIT_AUTHOR_NAME: "a",
  GIT_AUTHOR_EMAIL: "a@example.com",
  GIT_COMMITTER_NAME: "a",
  GIT_COMMITTER_EMAIL: "a@example.com",
};

describe.skipIf(!hasGit())("git push (needs Debian's git)", () => {
  let folder: TemporaryFolder;
  let running: RunningApi;
  beforeAll(async () => {
    folder = temporaryFolder();
    running = await startApi({ git: new Repositories({ folder: folder.file("repositories") }) });
    mkdirSync(folder.file("work"));
    await git("init", "-q", "-b", "main");
    writeFileSync(folder.file("work", "index.html"), "<h1>hello");
    await git("add", ".");
    await git("commit", "-q", "-m", "one");
  });
  afterAll(async () => {
    await running.api.close();
    await folder[Symbol.asyncDispose]();
  });

  async function git(...args: string[]): Promise<{ code: number; said: string }> {
    const { code, stdout, stderr } = await runCommand({
      file: "git",
      args,
      cwd: folder.file("work"),
      env: environment,
    });
    return { code, said: `${stdout.toString()}${stderr}` };
  }

  const remote = (secret: string, app = "blog"): string =>
    `http://steppe:${secret}@127.0.0.1:${running.port}/git/${app}.git`;

  test("says each step, and ends in the address", async () => {
    running.deployer.report.queued = [deployment];
    running.deployer.stream = async function* stream() {
      yield event(1, "queued");
      yield event(2, "log", { message: "a line of the build" });
      yield event(12, "live", { message: "routed", urls: ["http://blog.localhost:8080"] });
    };
    await git("tag", "v1");
    const { code, said } = await git("push", remote("push-token-of-blog"), "v1");
    expect(code).toBe(0);
    expect(said).toMatch(/remote: v1 +0\.01 s +queued!/);
    expect(said).toMatch(/remote: +\| a line of the build/);
    expect(said).toMatch(/remote: v1 +0\.12 s +live\s+remote: +http:\/\/blog\.localhost:8080/);
    expect(running.deployer.calls.at(-1)).toEqual(["refsChanged", "blog", expect.any(String)]);
  });

  test("a deployment that failed ends in its one line and what to do; the push itself succeeded", async () => {
    const error = new SteppeError("BUILD_FAILED", {
      operation: "build",
      subject: "blog@v2",
      cause: "the command exited with 1",
      detail: "last\nlines",
    });
    running.deployer.report.queued = [deployment];
    running.deployer.stream = async function* stream() {
      yield event(1, "failed", { error: error.toJSON() });
    };
    await git("tag", "v2");
    const { code, said } = await git("push", remote(TOKEN), "v2");
    expect(code).toBe(0);
    expect(said).toMatch(/remote: error: build blog@v2: the command exited with 1/);
    expect(said).toContain("steppe logs APP --build");
    expect(said).toMatch(/remote: +\| lines/);
  });

  test("a deployment that is held ends the push, which says what for; one that was held goes on", async () => {
    const held = event(2, "held", { message: "waits for approval" });
    running.deployer.report.queued = [deployment];
    running.deployer.hold = { kind: "approval" };
    running.deployer.stream = async function* stream(_id, signal) {
      yield event(1, "queued");
      yield held;
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    };
    await git("tag", "held");
    const { code, said } = await git("push", remote(TOKEN), "held");
    expect(code).toBe(0);
    expect(said).toMatch(
      /remote: v1 .*waits for approval\s+remote: +v1 is received\. `steppe status blog` tells of it\./,
    );
    running.deployer.hold = null;
    running.deployer.stream = async function* stream() {
      yield held;
      yield event(3, "live");
    };
    await git("tag", "approved");
    expect((await git("push", remote(TOKEN), "approved")).said).toMatch(/remote: v1 .*live!/);
    running.deployer.report.queued = [];
  });

  test("a push that deploys nothing says why", async () => {
    running.deployer.report.queued = [];
    running.deployer.report.notes = ["main: branches do not deploy; push a tag"];
    const { code, said } = await git("push", remote(TOKEN), "main");
    expect(code).toBe(0);
    expect(said).toContain("remote: main: branches do not deploy; push a tag");
    running.deployer.report.notes = [];
  });

  test("a deployer that fails is told to who pushes, and what was pushed is there", async () => {
    running.deployer.failure = new SteppeError("DISK_FULL", {
      operation: "queue",
      subject: "blog",
      cause: "no space left",
    });
    await git("tag", "v3");
    const { code, said } = await git("push", remote(TOKEN), "v3");
    running.deployer.failure = undefined;
    expect(code).toBe(0);
    expect(said).toContain("remote: error: queue blog: no space left");
    expect((await git("ls-remote", remote(TOKEN))).said).toContain("refs/tags/v3");
  });

  test.each([
    ["a wrong token", () => remote("wrong"), /Authentication failed|401/],
    ["another app's token", () => remote("push-token-of-shop"), /Authentication failed|401/],
    [
      "no token",
      () => `http://127.0.0.1:${running.port}/git/blog.git`,
      /terminal prompts disabled|could not read Username/,
    ],
    ["an app that is not there", () => remote(TOKEN, "none"), /there is no such app[\s\S]*steppe app list/],
  ])("%s is refused, with a reason", async (_, address, reason) => {
    const { code, said } = await git("push", address(), "main:refs/heads/other");
    expect(code).not.toBe(0);
    expect(said).toMatch(reason);
  });

  test("clone, with the app's token", async () => {
    const { code } = await git("clone", "-q", remote("push-token-of-blog"), folder.file("clone"));
    expect(code).toBe(0);
  });

  test("what is no repository is not found", async () => {
    expect((await running.call("/git/blog.git/config")).status).toBe(404);
    expect((await running.call("/git/../../etc/passwd")).status).toBe(404);
    expect((await running.call("/git/blog.git/git-receive-pack")).status).toBe(405);
  });
});
