import { describe, expect, test } from "vitest";
import { commands } from "./command-table.ts";
import { answerError, FakeWorld, view } from "./fake-world.ts";

describe("help and mistakes", () => {
  test("every command has help with its examples and --json", async () => {
    await using world = await FakeWorld.make();
    for (const { name, examples } of commands) {
      const { code, stdout, stderr } = await world.run(...name.split(" "), "--help");
      expect([code, stderr]).toEqual([0, ""]);
      expect(stdout).toContain(`Usage: steppe ${name}`);
      expect(stdout).toContain("--json");
      for (const example of examples) expect(stdout).toContain(example);
      expect((await world.run("help", ...name.split(" "))).stdout).toBe(stdout);
    }
  });

  test("the general help lists every command and the exit codes", async () => {
    await using world = await FakeWorld.make();
    const { stdout } = await world.run("help");
    for (const { name, summary } of commands) expect(stdout).toMatch(new RegExp(`^  ${name} +${summary}$`, "m"));
    for (const args of [[], ["--help"], ["-h"]]) expect((await world.run(...args)).stdout).toBe(stdout);
    expect((await world.run("app")).stdout).toContain("app purge");
    expect((await world.run("app", "--help")).stdout).not.toContain("deploy a tag");
  });

  test("--version", async () => {
    await using world = await FakeWorld.make();
    expect((await world.run("--version")).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test.each([
    [["stauts"], "there is no such command", "Did you mean `steppe status`?"],
    [["app", "lst"], "there is no such command", "Did you mean `steppe app list`?"],
    [["ap", "list"], "there is no such command", "Did you mean `steppe app list`?"],
    [["stauts", "blog"], "there is no such command", "Did you mean `steppe status`?"],
    [["zzzzzzzz"], "there is no such command", "`steppe help` lists the commands."],
    [["--data", "x", "status"], "the command comes first", "`steppe help` lists the commands."],
    [["deploy", "blog", "--tga", "v1"], "unknown option '--tga'", "Did you mean `--tag`? See `steppe deploy --help`."],
    [["deploy"], "missing required argument 'app'", "See `steppe deploy --help`."],
    [["app", "list", "x"], "too many arguments. Expected 0 arguments but got 1: x", expect.anything()],
    [
      ["deploy", "blog"],
      "nothing says what is to be deployed",
      "Give --tag TAG, --branch BRANCH, --image IMAGE or --dir FOLDER.",
    ],
    [["deploy", "blog", "--tag", "a", "--dir", "b"], "only one thing can be deployed at a time", expect.anything()],
    [["rollback", "blog", "v1"], 'the release "v1" is no whole number', "See `steppe rollback --help`."],
    [["logs", "blog", "--deployment", "1"], "--deployment wants --build", expect.anything()],
    [["up", "--htp", "x"], 'unknown option "--htp"', "Did you mean --http? See `steppe up --help`."],
    [["up"], "it was not started by its launcher", expect.anything()],
    [["install", "--host", "a:1"], "has a port; leave out `:1`", expect.anything()],
    [["login", "steppe.test"], '"steppe.test" is no URL', expect.anything()],
    [["login", "https://steppe.test/v1"], expect.stringContaining("has a path"), expect.anything()],
  ])("%j exits with 2 and says what was meant", async (args, cause, hint) => {
    await using world = await FakeWorld.make();
    const { code, stdout, stderr } = await world.run(...args);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^error: /);
    const json = await world.run(...args, "--json");
    expect(JSON.parse(json.stderr)).toMatchObject({ cause, hint });
    expect(world.requests).toEqual([]);
  });

  test("an app that is not there: the nearest is named", async () => {
    await using world = await FakeWorld.make();
    world.routes.set("GET /v1/apps/blgo", (_: unknown, response: never) =>
      answerError(response, "APP_NOT_FOUND", "there is no such app", "app blgo"),
    );
    world.routes.set("GET /v1/apps", [view]);
    const { code, stderr } = await world.run("app", "show", "blgo");
    expect(code).toBe(3);
    expect(stderr).toBe(
      "error: find app blgo: there is no such app [APP_NOT_FOUND]\nhint: Did you mean `blog`? `steppe app list` shows the apps.\n",
    );
  });

  test("colours on a terminal, and none with NO_COLOR; what a server says cannot move the cursor", async () => {
    await using world = await FakeWorld.make();
    world.isTerminal = true;
    world.routes.set("GET /v1/apps", (_: unknown, response: never) => answerError(response, "INTERNAL", "a\u001b[2Jb"));
    expect((await world.run("app", "list")).stderr).toMatch(/^\u001b\[31merror:\u001b\[39m find blog: a\ufffd\[2Jb /);
    world.env["NO_COLOR"] = "1";
    expect((await world.run("app", "list")).stderr).toMatch(/^error: find blog: a\ufffd\[2Jb /);
  });
});
