import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { FakeWorld } from "./fake-world.ts";

describe("which server", () => {
  test("the one that runs on ./.steppe, --data, STEPPE_DATA", async () => {
    await using world = await FakeWorld.make();
    world.routes.set("GET /v1/apps", []);
    expect((await world.run("app", "list", "--json")).stdout).toBe("[]\n");
    expect((await world.run("app", "list", "--data", ".steppe")).code).toBe(0);
    expect((await world.run("app", "list", "--data", "elsewhere")).stderr).toMatch(
      /nothing runs on the folder that --data names \[API_UNREACHABLE\]\nhint: Start it with `steppe up --data /,
    );
    world.env["STEPPE_DATA"] = join(world.folder, "work/.steppe");
    expect((await world.run("app", "list")).code).toBe(0);
  });

  test("STEPPE_URL with STEPPE_TOKEN; without, the data folder's token, but only for this machine", async () => {
    await using world = await FakeWorld.make();
    world.routes.set("GET /v1/apps", []);
    world.env["STEPPE_URL"] = world.url;
    expect((await world.run("app", "list")).code).toBe(0);
    world.env["STEPPE_TOKEN"] = "wrong";
    expect((await world.run("app", "list")).code).toBe(4);
    delete world.env["STEPPE_TOKEN"];
    world.env["STEPPE_URL"] = "https://steppe.example.com";
    const { code, stderr } = await world.run("app", "list");
    expect(code).toBe(4);
    expect(stderr).toMatch(/STEPPE_URL is set and STEPPE_TOKEN is not \[TOKEN_MISSING\]/);
  });

  test("login checks the token, stores it for its owner alone, and is used when nothing else is there", async () => {
    await using world = await FakeWorld.make();
    world.routes.set("GET /v1/status", { version: "1.2.3" });
    world.routes.set("GET /v1/apps", []);
    world.stdin = "wrong\n";
    expect((await world.run("login", world.url)).code).toBe(4);
    const file = join(world.folder, "home/.config/steppe/credentials.json");
    expect(existsSync(file)).toBe(false);
    world.stdin = "the-token\n";
    expect((await world.run("login", `${world.url}/`)).stdout).toContain(`${world.url} (Steppe 1.2.3)`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, "utf8")).toContain("the-token");
    world.overrides = { cwd: world.folder };
    expect((await world.run("app", "list")).code).toBe(0);
  });

  test("login asks on a terminal", async () => {
    await using world = await FakeWorld.make();
    world.isTerminal = true;
    world.routes.set("GET /v1/status", { version: "1.2.3" });
    world.answers = ["the-token"];
    const { code, stderr } = await world.run("login", world.url);
    expect(code).toBe(0);
    expect(stderr).toContain(`Token for ${world.url} (it is not shown): `);
    expect((await world.run("login", world.url)).stderr).toContain("no token was given");
  });

  test("none: all the ways are named", async () => {
    await using world = await FakeWorld.make();
    world.overrides = { cwd: world.folder };
    const { code, stderr } = await world.run("status");
    expect(code).toBe(5);
    expect(stderr).toMatch(/`steppe up`.*--data, STEPPE_DATA.*STEPPE_URL and STEPPE_TOKEN.*`steppe login URL`/);
  });
});
