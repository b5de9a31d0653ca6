import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ConnectionBounds } from "./connection-bounds.ts";

const ASK = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

let server: Server;
let clients: Socket[];
/** Answers that `/slow` waits for. */
let held: ServerResponse[];

beforeEach(async () => {
  clients = [];
  held = [];
  const bounds = new ConnectionBounds({ connections: 3, pipelined: 2 });
  server = createServer((request, response) => {
    if (!bounds.admits(request, response)) return;
    if (request.url === "/slow") held.push(response);
    else response.end("answer");
  });
  bounds.watch(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});

afterEach(async () => {
  for (const client of clients) client.destroy();
  server.close();
  server.closeAllConnections();
  await once(server, "close");
});

/** A client, when the server knows it. */
async function open(first = ""): Promise<Socket> {
  const known = once(server, "connection");
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  clients.push(client.setEncoding("latin1").on("error", () => {}));
  await known;
  client.write(first);
  return client;
}

async function answerOf(client: Socket): Promise<string> {
  const [text] = (await once(client, "data")) as [string];
  return text;
}

/** Clients whose requests are being answered. */
async function openSlow(count: number): Promise<Socket[]> {
  const slow: Socket[] = [];
  for (let i = 0; i < count; i++) {
    const asked = once(server, "request");
    slow.push(await open(ASK.replace("/", "/slow")));
    await asked;
  }
  return slow;
}

test("however many hold connections with half a head, who asks is answered, and the longest give way", async () => {
  const slow: Socket[] = [];
  for (let i = 0; i < 20; i++) {
    slow.push(await open("GET / HT"));
    expect(await answerOf(await open(ASK))).toContain("200 OK");
  }
  for (const client of slow.slice(0, 18)) if (!client.closed) await once(client, "close");
});

test("one whose request is being answered never gives way; who finds only such is turned away", async () => {
  const [first] = await openSlow(2);
  expect(await answerOf(await open(ASK))).toContain("200 OK"); // it is idle now
  await openSlow(1);
  const late = await open(ASK);
  if (!late.closed) await once(late, "close");
  held[0]?.end("at last");
  expect(await answerOf(first!)).toContain("at last");
});

test("a connection with more requests at once than may wait is cut off", async () => {
  const greedy = await open(ASK.replace("/", "/slow").repeat(3));
  await once(greedy, "close");
  expect(held).toHaveLength(2);
});
