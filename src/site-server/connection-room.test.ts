import { expect, test } from "vitest";
import { connectionRoom } from "./connection-room.ts";
import { TestServer } from "./test-support/test-server.ts";

const FULL = new Error("3 are open, and no more may be: idle ones are ended, new ones turned away");

test("connections leave descriptors for files", () => {
  const limits = (soft: string): string =>
    `Limit                     Soft Limit           Hard Limit           Units\nMax processes             10                   10                   processes\n` +
    `Max open files            ${soft.padEnd(20)} 524288               files     \n`;
  expect(connectionRoom(limits("1024"))).toBe(320);
  expect(connectionRoom(limits("100"))).toBe(16);
  expect(connectionRoom(limits("unlimited"))).toBe(Infinity);
  expect(connectionRoom("")).toBe(Infinity);
  expect(connectionRoom()).toBeGreaterThan(16);
});

test("for who comes when there is no room, those are ended that have been idle for the longest", async () => {
  await using server = await TestServer.start((connection) => connection.send("200 OK", "Content-Length: 0\r\n"), {
    connections: 3,
  });
  const ask = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  const busy = await server.open();
  busy.socket.write(`${ask}GET / HTTP/1.1\r\n`);
  await busy.until((text) => text.includes("200 OK"));
  for (let i = 0; i < 20; i++) {
    const client = await server.open();
    client.socket.write(ask);
    await client.until((text) => text.includes("200 OK"));
  }
  // Of three, one less is room again, and so it may have been said more than once.
  expect(new Set(server.faults.map(String))).toEqual(new Set([String(FULL)]));
  busy.socket.write("Host: a\r\nConnection: close\r\n\r\n");
  expect((await busy.end()).split("200 OK")).toHaveLength(3);
});

test("who comes when there is no room is turned away, which is said once; then others are served again", async () => {
  const answer = "HTTP/1.1 200 OK";
  await using server = await TestServer.start((connection) => connection.send("200 OK", "Content-Length: 0\r\n"), {
    connections: 3,
  });
  const kept = [await server.open(), await server.open(), await server.open()];
  while (server.listener.connections < 3) await new Promise(setImmediate);
  for (let i = 0; i < 5; i++) expect(await (await server.open()).end()).toBe("");
  expect(server.faults).toEqual([FULL]);
  for (const { socket } of kept) socket.destroy();
  while (server.listener.connections > 0) await new Promise(setImmediate);
  const client = await server.open();
  client.socket.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  expect(await client.end()).toContain(answer);
});
