import { spawn } from "node:child_process";
import { appendFileSync, existsSync, readdirSync, readFileSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { systemClock } from "../shared/clock.ts";
import { type Logger, silentLogger } from "../shared/log.ts";
import type { IngressStatus } from "./control-protocol.ts";
import { IngressClient } from "./ingress-client.ts";
import type { IngressSupervisor } from "./ingress-supervisor.ts";
import { stopIngress } from "./stop-ingress.ts";
import { ask, TestData, testProgram } from "./test-ingress.ts";

/** Collects what is said. */
function recorder(): { log: Logger; lines: string[] } {
  const lines: string[] = [];
  const add = (_fields: object, message: string): void => void lines.push(message);
  const log: Logger = { debug() {}, info: add, warn: add, error: add, child: () => log };
  return { log, lines };
}

/** The processes, once they are as wanted. */
async function until(ingress: IngressSupervisor, wanted: (all: IngressStatus[]) => boolean): Promise<IngressStatus[]> {
  for (;;) {
    const all = await ingress.processes();
    if (wanted(all)) return all;
    await new Promise(setImmediate);
  }
}

describe("supervision", () => {
  test("a process that hangs is ended and replaced, and the change goes through", async () => {
    await using data = await TestData.make();
    const { log, lines } = recorder();
    const ingress = await data.supervise({ log, ackMs: 300 });
    try {
      const [hanging] = await ingress.processes();
      process.kill(hanging?.pid ?? 0, "SIGSTOP");
      const release = data.release("blog", 1, { "index.html": "one" });
      await ingress.publisher.update((draft) => {
        draft.sites.set("blog", { current: release, staged: [], grace: [] });
        draft.routes.set("blog.test", { kind: "site", app: "blog", redirectToHttps: false });
      });
      expect(lines).toContain("an ingress process does not answer; ending it");
      const living = await until(ingress, (all) => all.length === 2);
      expect(living.every(({ generation, pid }) => generation === 1 && pid !== hanging?.pid)).toBe(true);
      expect(lines).toContain("an ingress process ended; starting another");
    } finally {
      await ingress.stop();
    }
  });

  test("processes that hang when control starts are ended, and others serve on the same address", async () => {
    await using data = await TestData.make();
    const first = await data.supervise();
    const { http, https } = first.addresses;
    const hanging = await first.processes();
    first.close(); // as kill -9 would
    for (const { pid } of hanging) process.kill(pid, "SIGSTOP");
    const second = await data.supervise({ http, https });
    try {
      expect(second.hasAdopted).toBe(false);
      expect(second.addresses).toEqual({ http, https });
      expect((await ask({ port: http.port, host: "x.test" })).status).toBe(404);
      const pids = (await second.processes()).map(({ pid }) => pid);
      expect(pids).toHaveLength(2);
      for (const { pid } of hanging) expect(pids).not.toContain(pid);
    } finally {
      await second.stop();
    }
  });

  test("what runs without control can be stopped", async () => {
    await using data = await TestData.make();
    const ingress = await data.supervise();
    const [one] = await ingress.processes();
    ingress.close();
    await stopIngress(data.folder, { clock: systemClock, log: silentLogger });
    await stopIngress(data.folder, { clock: systemClock, log: silentLogger });
    await expect(ask({ port: ingress.addresses.http.port, host: "x.test" })).rejects.toThrow("ECONNREFUSED");
    expect(one?.state).toBe("accepting");
  });

  test("when the only process is killed, control binds again", async () => {
    await using data = await TestData.make();
    const ingress = await data.supervise({ workers: 1 });
    try {
      const { addresses } = ingress;
      const [only] = await ingress.processes();
      process.kill(only?.pid ?? 0, "SIGKILL");
      await until(ingress, ([one]) => one !== undefined && one.pid !== only?.pid);
      expect(ingress.addresses).toEqual(addresses);
      expect((await ask({ port: addresses.http.port, host: "x.test" })).status).toBe(404);
    } finally {
      await ingress.stop();
    }
  });

  test("a change that a process cannot serve is refused, and changes nothing", async () => {
    await using data = await TestData.make();
    const ingress = await data.supervise();
    try {
      const release = data.release("blog", 1, { "index.html": "one" });
      const update = ingress.publisher.update((draft) => {
        draft.sites.set("blog", { current: { ...release, index: "blog/1-00.site" }, staged: [], grace: [] });
      });
      await expect(update).rejects.toThrow("ENOENT");
      expect(ingress.publisher.current().generation).toBe(0);
      expect(readdirSync(data.folders.ingress)).not.toContain("snapshot.json.next");
      const nothing = await ingress.publisher.update(() => {});
      expect(nothing.generation).toBe(0);
    } finally {
      await ingress.stop();
    }
  });

  test("many changes at once are made one after another, and all processes have them", async () => {
    await using data = await TestData.make();
    const ingress = await data.supervise();
    try {
      const release = data.release("blog", 1, { "index.html": "one" });
      await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          ingress.publisher.update((draft) => {
            draft.sites.set(`app-${i}`, { current: release, staged: [], grace: [] });
          }),
        ),
      );
      const { generation, sites } = ingress.publisher.current();
      expect([generation, sites.size]).toEqual([20, 20]);
      expect((await ingress.processes()).map((one) => one.generation)).toEqual([20, 20]);
    } finally {
      await ingress.stop();
    }
  });

  test("started by hand it serves from the disk alone, and SIGTERM drains it", async () => {
    await using data = await TestData.make();
    const control = await data.supervise({ workers: 1 });
    const release = data.release("blog", 1, { "index.html": "one" });
    for (const generation of [1, 2]) {
      await control.publisher.update((draft) => {
        draft.sites.set("blog", { current: release, staged: [], grace: [] });
        draft.routes.set("blog.test", { kind: "site", app: "blog", redirectToHttps: generation === 2 });
      });
    }
    await control.stop();
    truncateSync(join(data.folders.ingress, "snapshot.json"), 80);
    const listener = { address: { host: "127.0.0.1", port: 0 } };
    const config = JSON.stringify({ id: "alone", dataFolder: data.folder, http: listener, https: listener });
    const child = spawn(testProgram.execPath, [testProgram.script, config], { stdio: ["ignore", "ignore", "pipe"] });
    const ended = new Promise((resolve) => child.once("exit", resolve));
    const lines: string[] = [];
    await new Promise<void>((resolve) =>
      child.stderr.on("data", (text: Buffer) => {
        lines.push(text.toString());
        if (text.toString().includes("started")) resolve();
      }),
    );
    expect(lines.join("")).toContain("the snapshot is damaged; serving the one before it");
    const socket = join(data.folders.run, "ingress-alone.sock");
    expect(statSync(socket).mode & 0o777).toBe(0o600);
    const client = await IngressClient.connect(socket);
    expect(client.status).toMatchObject({ id: "alone", state: "accepting", generation: 1 });
    const port = client.status.addresses?.http.port ?? 0;
    expect((await ask({ port, host: "blog.test" })).body.toString()).toBe("one");
    client.close();
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
    expect(existsSync(socket)).toBe(false);
  });

  test("what is left of a process that was killed is cleared away; what fails at start is in the log", async () => {
    await using data = await TestData.make();
    const first = await data.supervise({ workers: 1 });
    const [victim] = await first.processes();
    first.close();
    process.kill(victim?.pid ?? 0, "SIGKILL");
    const second = await data.supervise({ workers: 1, http: first.addresses.http });
    expect(readdirSync(data.folders.run)).toHaveLength(1);
    await second.stop();
    const broken = { ...testProgram, script: join(data.folder, "broken.mjs") };
    appendFileSync(broken.script, "throw new Error('broken on purpose')");
    await expect(data.supervise({ program: broken })).rejects.toThrow("see logs/ingress.log");
    expect(readFileSync(join(data.folders.logs, "ingress.log"), "utf8")).toContain("broken on purpose");
  });

  test("a data folder that lies deep has sockets all the same", async () => {
    await using data = await TestData.make();
    const ingress = await data.supervise({ dataFolder: join(data.folder, "x".repeat(60), "y".repeat(60)), workers: 1 });
    expect((await ask({ port: ingress.addresses.http.port, host: "x.test" })).status).toBe(404);
    await ingress.stop();
  });
});
