import type { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { openFileLimit } from "../src/site-server/connection-room.ts";
import { exchange, requestFor, type SiteHost, siteHosts, visit } from "./support/site-hosts.ts";

const TIMEOUT = { timeout: 20_000 };
const LARGE = 20_000_000;
const CLOSE = "Connection: close\r\n";
const MANY = 10_000;
const FILES = { "index.html": "hello\n", "large.bin": Buffer.alloc(LARGE, "0123456789abcdef") };

function statuses(answers: Buffer): string[] {
  return Array.from(answers.toString("latin1").matchAll(/^HTTP\/1\.1 (\d{3}) /gm), ([, status = ""]) => status);
}

async function askedOnce(host: SiteHost): Promise<string[]> {
  return statuses(await exchange(host, requestFor("/", CLOSE)));
}

/** Asks once on a connection that stays open. @returns whether there was an answer; else it was turned away */
function askAndStay(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    for (const event of ["end", "close"]) socket.once(event, () => resolve(false));
    socket.on("error", () => {}); // a reset turns it away as well
    socket.once("data", () => resolve(true)).write(requestFor("/"));
  });
}

interface Visitors extends Disposable {
  /** How many had an answer. */
  answered: number;
}

/** Opens connections, each of which asks once and stays until the scope ends. */
async function open(host: SiteHost, count: number): Promise<Visitors> {
  const sockets: Socket[] = [];
  let answered = 0;
  while (sockets.length < count) {
    const some = Array.from({ length: Math.min(250, count - sockets.length) }, () => visit(host));
    sockets.push(...some);
    answered += (await Promise.all(some.map(askAndStay))).filter(Boolean).length;
  }
  return {
    answered,
    [Symbol.dispose]: () => {
      for (const socket of sockets) socket.resetAndDestroy();
    },
  };
}

for (const [name, start] of Object.entries(siteHosts)) {
  describe(`hostile visitors of ${name}`, () => {
    test("a head of 100,000 bytes is refused", TIMEOUT, async (context) => {
      await using host = await start(context, FILES);
      expect(statuses(await exchange(host, requestFor("/", `X: ${"x".repeat(100_000)}\r\n`)))).toEqual(["431"]);
      expect(await askedOnce(host)).toEqual(["200"]);
    });

    test("a pipeline of 10,000 is answered wholly, in order", TIMEOUT, async (context) => {
      await using host = await start(context, FILES);
      const answers = statuses(await exchange(host, requestFor("/").repeat(9_999) + requestFor("/nope", CLOSE)));
      expect(answers).toHaveLength(10_000);
      expect(new Set(answers.slice(0, -1))).toEqual(new Set(["200"]));
      expect(answers.at(-1)).toBe("404");
    });

    test("a half-closed client gets its whole answer", TIMEOUT, async (context) => {
      await using host = await start(context, FILES);
      const answer = await exchange(host, requestFor("/large.bin"));
      expect(answer.length).toBeGreaterThan(LARGE);
      expect(answer.subarray(-16).toString()).toBe("0123456789abcdef");
    });

    test("10,000 connections at once: others are served", TIMEOUT, async (context) => {
      if (openFileLimit() < MANY + 500) context.skip(`wants ${MANY} descriptors, and may have ${openFileLimit()}`);
      await using host = await start(context, FILES);
      using visitors = await open(host, MANY);
      expect(visitors.answered).toBe(MANY);
      expect(await askedOnce(host)).toEqual(["200"]);
    });

    test("descriptors exhausted: says so, and goes on", TIMEOUT, async (context) => {
      await using host = await start(context, FILES, ["prlimit", "--nofile=100:100"]);
      using visitors = await open(host, 300);
      expect(visitors.answered).toBeGreaterThanOrEqual(16);
      await expect.poll(() => host.told()).toContain("idle ones are ended, new ones turned away");
      await expect.poll(() => askedOnce(host), { timeout: 10_000 }).toEqual(["200"]);
    });
  });
}
