import { writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { FakeWorld } from "../fake-world.ts";

/** What a served address answers, once it is printed; then the command is interrupted. */
async function visit(world: FakeWorld, path: string): Promise<Response> {
  let url: string | undefined;
  while (url === undefined) {
    await new Promise(setImmediate);
    url = /http:\/\/[^\s"]+\//.exec(world.printed)?.[0];
  }
  return await fetch(new URL(path, url));
}

describe("serve", () => {
  test("serves a folder until it is interrupted, and says what it is asked", async () => {
    await using world = await FakeWorld.make();
    await using folder = temporaryFolder();
    writeFileSync(join(folder.path, "about.html"), "about");
    writeFileSync(join(folder.path, "_redirects"), "/old /about.html\nbad\n");
    const run = world.run("serve", folder.path, "--port", "0", "--clean-urls", "--no-watch");
    const answer = await visit(world, "/about");
    expect([answer.status, await answer.text()]).toEqual([200, "about"]);
    while (!world.printed.includes("GET /about")) await new Promise(setImmediate);
    world.interrupt.abort(new Error("interrupted"));
    const { code, stdout } = await run;
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^note: _redirects:2: .*\nServing .* as it is now\. Ctrl-C ends it\.\n200 GET \/about 5 B .* ms\n$/,
    );
  });

  test("with --json, an object a line; with --quiet, no requests", async () => {
    await using world = await FakeWorld.make();
    await using folder = temporaryFolder();
    writeFileSync(join(folder.path, "index.html"), "home");
    const run = world.run("serve", folder.path, "--http", "127.0.0.1:0", "--json", "--quiet");
    expect(await (await visit(world, "/")).text()).toBe("home");
    world.interrupt.abort(new Error("interrupted"));
    const { stdout } = await run;
    expect(JSON.parse(stdout)).toMatchObject({ event: "serving", folder: folder.path });
  });

  test("what cannot be done is said", async () => {
    await using world = await FakeWorld.make();
    await using folder = temporaryFolder();
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", resolve));
    const { port } = holder.address() as AddressInfo;
    for (const [args, code, text] of [
      [[join(folder.path, "none")], 2, "there is no such folder"],
      [[folder.path, "--port", `${port}`], 5, "choose another address with `--port PORT` "],
      [[folder.path, "--http", `127.0.0.1:${port}`], 5, "choose another address with `--http HOST:PORT` "],
      [[folder.path, "--cert", "none"], 2, "--cert is given without --https"],
      [[folder.path, "--port", "x"], 2, "is no whole number"],
      [[folder.path, "--port", "1", "--http", ":2"], 2, "exclude each other"],
      [[folder.path, "--https", ":1"], 2, "--https wants --key"],
      [[folder.path, "--https", ":1", "--key", "none"], 2, "--key none cannot be read: ENOENT"],
      [[folder.path, "--http", "x"], 2, "has no port"],
    ] as const) {
      const outcome = await world.run("serve", ...args);
      expect([outcome.code, outcome.stderr]).toEqual([code, expect.stringContaining(text)]);
    }
    holder.close();
  });
});
