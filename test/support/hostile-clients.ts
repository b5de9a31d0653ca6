import { readdirSync, readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { collect, type NativeServer } from "./native-server.ts";
import { Numbers } from "./numbers.ts";

/** Inputs that the fuzzers found interesting, as a client may send them. */
const CORPUS = fileURLToPath(new URL("../fuzz/corpus/request", import.meta.url));

/** What hostile clients ask of a site: paths of it, the first of which has megabytes. */
export interface HostileLoad {
  clients: number;
  /** So many at a time. */
  atOnce: number;
  paths: readonly [string, ...string[]];
}

interface Client {
  server: NativeServer;
  socket: Socket;
  load: HostileLoad;
  numbers: Numbers;
  inputs: readonly Buffer[];
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const FIELDS = [
  "",
  'Accept-Encoding: br, gzip;q=0.5\r\nUser-Agent: a"b\\\r\nReferer: http://r.test/\x01\r\n',
  "Range: bytes=5-20\r\n",
  'Range: bytes=-7\r\nIf-Range: "x"\r\n',
  "Range: bytes=99999999999-\r\n",
  "If-None-Match: *\r\n",
  "X-Forwarded-For: 6.6.6.6, 2001:db8::7, , 10.0.0.1\r\nX-Forwarded-For: nonsense\r\n",
  "Connection: close\r\n",
  "Content-Length: 70000\r\n",
  "Transfer-Encoding: chunked\r\n",
];

function someRequest({ numbers, load }: Client): string {
  const method = numbers.of(["GET", "GET", "GET", "HEAD", "POST", "OPTIONS", "M".repeat(300)]);
  const path = numbers.of([...load.paths, "/nope", "/../x", "/%00", "/health", "/metrics", `/${"x".repeat(3000)}`]);
  return `${method} ${path}${numbers.of(["", "?a=b%"])} HTTP/1.${numbers.below(2)}\r\nHost: a.test\r\n${numbers.of(FIELDS)}\r\n`;
}

function pipeline(client: Client, most: number): string {
  return Array.from({ length: 1 + client.numbers.below(most) }, () => someRequest(client)).join("");
}

/** Takes some of what comes, in turns, and leaves the rest. */
async function readSome({ socket, numbers }: Client): Promise<void> {
  for (let turns = numbers.below(30); turns > 0 && !socket.destroyed; turns--) {
    socket.read();
    await turn();
  }
}

const manners: readonly ((client: Client) => Promise<void>)[] = [
  // A pipeline, wholly.
  async (client) => {
    client.socket.end(pipeline(client, 60));
    await collect(client.socket);
  },
  // Large answers, reset half way.
  async (client) => {
    client.socket.write(`GET ${client.load.paths[0]} HTTP/1.1\r\nHost: a.test\r\n\r\n`.repeat(3));
    await readSome(client);
    client.socket.resetAndDestroy();
  },
  // Nothing of a large answer is taken, until the server has enough of that.
  async (client) => {
    const ended = new Promise((resolve) => client.socket.once("close", resolve));
    client.socket.write(`GET ${client.load.paths[0]} HTTP/1.1\r\nHost: a.test\r\n\r\n`.repeat(2) + someRequest(client));
    await readSome(client);
    // To write is how a client that reads nothing learns of the end.
    while (!client.socket.destroyed) {
      client.socket.write(client.numbers.of(["", "\r\n", "GET"]));
      await client.server.exchange("GET /health HTTP/1.0\r\n\r\n");
    }
    await ended;
  },
  // Half a request, and then half of the connection.
  async (client) => {
    const request = pipeline(client, 3);
    client.socket.end(request.slice(0, client.numbers.below(request.length)));
    await collect(client.socket);
  },
  // In pieces.
  async (client) => {
    const request = pipeline(client, 4);
    for (let at = 0; at < request.length && !client.socket.destroyed;) {
      const bytes = 1 + client.numbers.below(400);
      client.socket.write(request.slice(at, at + bytes), "latin1");
      at += bytes;
      await turn();
    }
    client.socket.end();
    await collect(client.socket);
  },
  // What the fuzzers found.
  async (client) => {
    for (let count = client.numbers.below(8); count >= 0; count--)
      client.socket.write(client.numbers.of(client.inputs));
    client.socket.end();
    await collect(client.socket);
  },
  // A head without an end.
  async (client) => {
    client.socket.end(`GET / HTTP/1.1\r\nX: ${"x".repeat(100_000)}`);
    await collect(client.socket);
  },
  // A body, and away in its midst.
  async (client) => {
    client.socket.write(`POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 9000000\r\n\r\n${"b".repeat(200_000)}`);
    await readSome(client);
    client.socket.destroy();
  },
  // Nothing at all.
  async (client) => {
    await turn();
    client.socket.destroy();
  },
];

/** Sends a native server what clients that mean ill send, in all manners by turns. Answers are not looked at: whoever calls looks at the server. */
export async function beHostile(server: NativeServer, load: HostileLoad): Promise<void> {
  const numbers = new Numbers();
  const inputs = readdirSync(CORPUS).map((name) => readFileSync(join(CORPUS, name)));
  let left = load.clients;
  const worker = async (): Promise<void> => {
    while (left > 0) {
      const manner = manners[--left % manners.length];
      const socket = server.connect();
      socket.pause().on("error", () => {}); // a reset is what it came for
      await manner?.({ server, socket, load, numbers, inputs });
      socket.destroy();
    }
  };
  await Promise.all(Array.from({ length: load.atOnce }, worker));
}
