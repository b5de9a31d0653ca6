import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { describe, expect, test } from "vitest";
import type { IngressSupervisor } from "./ingress-supervisor.ts";
import { ask, TestData } from "./test-ingress.ts";

async function publishSite(data: TestData, ingress: IngressSupervisor): Promise<void> {
  const release = data.release("blog", 1, { "index.html": "one", "big.bin": Buffer.alloc(300_000, 7) });
  const certificate = data.certificate("blog");
  await ingress.publisher.update((draft) => {
    draft.sites.set("blog", { current: release, staged: [], grace: [] });
    draft.routes.set("blog.test", { kind: "site", app: "blog", redirectToHttps: false });
    draft.defaultCertificate = certificate;
  });
}

/** Clients that ask until told to stop: on kept-alive and on new connections, by HTTP and HTTPS. */
function load(ingress: IngressSupervisor) {
  const { http, https } = ingress.addresses;
  const failures: string[] = [];
  let running = true;
  let requests = 0;
  const client = async (tls: boolean, keepAlive: boolean): Promise<void> => {
    const agent = tls
      ? new HttpsAgent({ keepAlive, maxSockets: 1, rejectUnauthorized: false })
      : new HttpAgent({ keepAlive, maxSockets: 1 });
    while (running) {
      try {
        const path = requests % 5 === 0 ? "/big.bin" : "/";
        const answer = await ask({ port: (tls ? https : http).port, host: "blog.test", path, tls, agent });
        requests++;
        const size = path === "/" ? 3 : 300_000;
        if (answer.status !== 200 || answer.body.length !== size)
          failures.push(`${answer.status} ${answer.body.length}`);
      } catch (error) {
        failures.push(`${tls ? "https" : "http"} ${keepAlive ? "kept" : "new"}: ${String(error)}`);
      }
    }
    agent.destroy();
  };
  const clients = [
    client(false, true),
    client(false, true),
    client(false, false),
    client(true, true),
    client(true, false),
  ];
  return {
    failures,
    get requests() {
      return requests;
    },
    async asked(more: number) {
      const until = requests + more;
      while (requests < until) await new Promise(setImmediate);
    },
    async stop() {
      running = false;
      await Promise.all(clients);
    },
  };
}

describe("handover", () => {
  test("no request fails while processes are replaced under load", async () => {
    await using data = await TestData.make();
    const ingress = await data.supervise();
    try {
      await publishSite(data, ingress);
      const clients = load(ingress);
      const before = (await ingress.processes()).map(({ pid }) => pid);
      for (let round = 0; round < 3; round++) {
        await clients.asked(60);
        await ingress.replace();
      }
      await clients.asked(60);
      await clients.stop();
      await ingress.drained();
      expect(clients.failures).toEqual([]);
      expect(clients.requests).toBeGreaterThan(200);
      const after = await ingress.processes();
      expect(after.map(({ state }) => state)).toEqual(["accepting", "accepting"]);
      expect(after.some(({ pid }) => before.includes(pid))).toBe(false);
    } finally {
      await ingress.stop();
    }
  });

  test("a process that is killed under load is started again, and the other goes on", async () => {
    await using data = await TestData.make();
    const ingress = await data.supervise();
    try {
      await publishSite(data, ingress);
      const clients = load(ingress);
      await clients.asked(50);
      const [victim] = await ingress.processes();
      process.kill(victim?.pid ?? 0, "SIGKILL");
      let living = await ingress.processes();
      while (living.length < 2 || living.some(({ pid }) => pid === victim?.pid)) living = await ingress.processes();
      const failuresOfTheKill = clients.failures.length;
      await clients.asked(50);
      await clients.stop();
      // Only what was on the way in the killed process can have failed: at most one request per client.
      expect(failuresOfTheKill).toBeLessThanOrEqual(5);
      expect(clients.failures.length).toBeLessThanOrEqual(5);
    } finally {
      await ingress.stop();
    }
  });

  test("another control adopts the processes; another build replaces them; a new port too", async () => {
    await using data = await TestData.make();
    const first = await data.supervise();
    await publishSite(data, first);
    const pids = new Set((await first.processes()).map(({ pid }) => pid));
    first.close(); // as kill -9 would
    const second = await data.supervise({ http: first.addresses.http });
    expect(new Set((await second.processes()).map(({ pid }) => pid))).toEqual(pids);
    expect(second.addresses).toEqual(first.addresses);
    expect(second.publisher.current().generation).toBe(first.publisher.current().generation);
    const { http } = second.addresses;
    second.close();

    const third = await data.supervise({ buildId: "newer", http });
    expect(third.addresses.http).toEqual(http);
    expect((await ask({ port: http.port, host: "blog.test" })).body.toString()).toBe("one");
    await third.drained();
    const renewed = await third.processes();
    expect(renewed.map(({ buildId }) => buildId)).toEqual(["newer", "newer"]);
    third.close();

    const fourth = await data.supervise({ buildId: "newer", http, https: { host: "127.0.0.2", port: 0 } });
    try {
      expect(fourth.addresses.http).toEqual(http);
      expect(fourth.addresses.https.host).toBe("127.0.0.2");
      expect((await ask({ port: http.port, host: "blog.test" })).body.toString()).toBe("one");
      await fourth.drained();
    } finally {
      await fourth.stop();
    }
    await expect(ask({ port: http.port, host: "blog.test" })).rejects.toThrow("ECONNREFUSED");
  });

  test("a port that is taken is told with who has it and the flag, and nothing is left behind", async () => {
    await using data = await TestData.make();
    await using other = await TestData.make();
    const holder = await other.supervise({ workers: 1 });
    try {
      const [{ pid } = { pid: 0 }] = await holder.processes();
      const taken = holder.addresses.https;
      const starting = data.supervise({ https: taken });
      await expect(starting).rejects.toMatchObject({ code: "PORT_TAKEN", subject: `127.0.0.1:${taken.port}` });
      await expect(starting).rejects.toMatchObject({ reason: expect.stringContaining(String(pid)) as string });
      await expect(starting).rejects.toMatchObject({ hint: expect.stringContaining("--https") as string });
    } finally {
      await holder.stop();
    }
  });
});
