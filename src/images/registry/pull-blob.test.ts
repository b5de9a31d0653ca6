import { randomBytes } from "node:crypto";
import type { ServerResponse } from "node:http";
import { describe, expect, test } from "vitest";
import { type Answerer, collect, digestOf, fakeServer, testClient, whileTimePasses } from "./fakes.ts";
import { parseReference } from "./reference.ts";

const content = randomBytes(300_000);
const descriptor = { digest: digestOf(content), size: content.length };

async function pull(answer: Answerer, wanted = descriptor) {
  await using server = await fakeServer(answer);
  const { client, clock } = testClient();
  const chunks: Buffer[] = [];
  let error: unknown;
  try {
    for await (const chunk of client.blob(parseReference(`${server.host}/r`), wanted)) chunks.push(chunk);
  } catch (thrown) {
    error = thrown;
  }
  return { bytes: Buffer.concat(chunks), error, clock, seen: server.seen, host: server.host };
}

const rangeStart = (field: string | undefined): number => Number(/^bytes=(\d+)-$/.exec(field ?? "bytes=0-")?.[1]);

/** Sends so much, and then lets go of the connection. */
function sendAndCut(response: ServerResponse, bytes: Buffer): void {
  response.write(bytes, () => setImmediate(() => response.destroy()));
}

describe("a blob", () => {
  test("comes whole", async () => {
    const { bytes, error, seen } = await pull((_, response) => response.end(content));
    expect(error).toBeUndefined();
    expect(bytes.equals(content)).toBe(true);
    expect(seen[0]).toMatchObject({ method: "GET", target: `/v2/r/blobs/${descriptor.digest}` });
  });

  test("that has nothing in it comes, too", async () => {
    const { bytes, error } = await pull((_, response) => response.end(), { digest: digestOf(""), size: 0 });
    expect({ length: bytes.length, error }).toEqual({ length: 0, error: undefined });
  });

  test("that breaks off is taken up where it was, as often as it gets further", async () => {
    const { bytes, error, seen, clock } = await pull(({ headers }, response) => {
      const start = rangeStart(headers.range);
      if (start > 0) {
        const range = `bytes ${start}-${content.length - 1}/${content.length}`;
        response.writeHead(206, { "content-range": range, "content-length": String(content.length - start) });
      } else {
        response.writeHead(200, { "content-length": String(content.length) });
      }
      if (start + 40_000 >= content.length) response.end(content.subarray(start));
      else sendAndCut(response, content.subarray(start, start + 40_000));
    });
    expect(error).toBeUndefined();
    expect(bytes.equals(content)).toBe(true);
    expect(seen.length).toBeGreaterThan(5);
    expect(new Set(clock.waits)).toEqual(new Set([500]));
  });

  test("of a server without ranges is sent again, and what was there is passed over", async () => {
    let tries = 0;
    const { bytes, error } = await pull((_, response) => {
      response.writeHead(200, { "content-length": String(content.length) });
      if (++tries < 3) sendAndCut(response, content.subarray(0, tries * 70_000));
      else response.end(content);
    });
    expect(error).toBeUndefined();
    expect(bytes.equals(content)).toBe(true);
  });

  test("that breaks off when all of it has come is whole: there is no rest to ask for", async () => {
    const { bytes, error, seen } = await pull(({ headers }, response) => {
      if (headers.range === undefined) sendAndCut(response, content);
      else response.writeHead(416, { "content-range": `bytes */${content.length}` }).end();
    });
    expect(error).toBeUndefined();
    expect(bytes.equals(content)).toBe(true);
    expect(seen).toHaveLength(1);
  });

  test("that never gets further is given up", async () => {
    const { error, seen } = await pull((_, response) => {
      response.writeHead(200, { "content-length": String(content.length) });
      sendAndCut(response, content.subarray(0, 10));
    });
    expect(error).toMatchObject({ code: "REGISTRY_UNREACHABLE", subject: expect.stringContaining(descriptor.digest) });
    expect(seen.length).toBeLessThanOrEqual(6);
  });

  test("that ends too early without saying so is not taken for whole", async () => {
    const { error } = await pull((_, response) => {
      response.write(content.subarray(0, 1000));
      response.end();
    });
    expect(error).toMatchObject({ code: "REGISTRY_UNREACHABLE", message: expect.stringContaining("of 300000 bytes") });
  });

  test.for<[string, Answerer, string]>([
    ["of another content", (_, response) => response.end(Buffer.alloc(content.length)), "the content is sha256:"],
    [
      "that is announced as longer",
      (_, response) => response.end(Buffer.alloc(content.length + 1)),
      "it has 300001 bytes",
    ],
    [
      "that is longer",
      (_, response) => {
        response.write(content);
        response.end("x");
      },
      "it sends more than",
    ],
    [
      "that is encoded",
      (_, response) => response.writeHead(200, { "content-encoding": "gzip" }).end("x"),
      "it sends the content encoded (gzip)",
    ],
  ])("%s is refused", async ([, answer, why]) => {
    const { error } = await pull(answer);
    expect(error).toMatchObject({ code: "REGISTRY_ANSWER_INVALID", message: expect.stringContaining(why) });
  });

  test.for(["bytes 0-299999/300000", "bytes 1000-299999/300001", "nonsense"])(
    "continued with %s is refused",
    async (range) => {
      const { error } = await pull(({ headers }, response) => {
        if (headers.range === undefined) {
          response.writeHead(200, { "content-length": String(content.length) });
          sendAndCut(response, content.subarray(0, 1000));
        } else {
          response.writeHead(206, { "content-range": range }).end("x");
        }
      });
      expect(error).toMatchObject({
        code: "REGISTRY_ANSWER_INVALID",
        message: expect.stringContaining("another part"),
      });
    },
  );

  test("whose server falls silent is given up", async () => {
    await using server = await fakeServer((_, response) => response.write(content.subarray(0, 1000)));
    const { client, clock } = testClient({ retry: { attempts: 1 } });
    const blob = client.blob(parseReference(`${server.host}/r`), descriptor);
    expect((await blob.next()).value).toHaveLength(1000);
    await expect(whileTimePasses(clock, 100_000, blob.next())).rejects.toThrow("nothing came for 60 s");
  });

  test("whose reader is slow is not", async () => {
    let finish = (): void => {};
    await using server = await fakeServer((_, response) => {
      response.write(content.subarray(0, 1000));
      finish = () => response.end(content.subarray(1000));
    });
    const { client, clock } = testClient({ retry: { attempts: 1 } });
    const blob = client.blob(parseReference(`${server.host}/r`), descriptor);
    expect((await blob.next()).value).toHaveLength(1000);
    clock.pass(10_000_000);
    await new Promise(setImmediate);
    finish();
    const rest = await collect(blob);
    expect(Buffer.concat(rest).equals(content.subarray(1000))).toBe(true);
  });

  test("ends with the signal, and lets go of its connection when it is left", async () => {
    await using server = await fakeServer((_, response) => response.write(content.subarray(0, 1000)));
    const { client } = testClient();
    const stop = new AbortController();
    const blob = client.blob(parseReference(`${server.host}/r`), descriptor, { signal: stop.signal });
    await blob.next();
    stop.abort(new Error("enough"));
    await expect(blob.next()).rejects.toThrow("enough");
    for await (const _ of client.blob(parseReference(`${server.host}/r`), descriptor)) break;
  });
});

describe("a redirection", () => {
  const basic = { credentials: async () => ({ username: "u", password: "p" }) };

  test("to another host is followed, and nothing secret goes there; a continued one asks the registry first", async () => {
    let storageTries = 0;
    await using storage = await fakeServer(({ headers }, response) => {
      const start = rangeStart(headers.range);
      const range = { "content-range": `bytes ${start}-${content.length - 1}/${content.length}` };
      response.writeHead(start === 0 ? 200 : 206, start === 0 ? {} : range);
      if (++storageTries === 1) sendAndCut(response, content.subarray(0, 50_000));
      else response.end(content.subarray(start));
    });
    let signature = 0;
    await using registry = await fakeServer(({ headers }, response) => {
      if (headers.authorization === undefined) response.writeHead(401, { "www-authenticate": "Basic realm=x" }).end();
      else response.writeHead(307, { location: `http://${storage.host}/blob?signature=${++signature}` }).end();
    });
    const { client } = testClient(basic);
    const chunks: Buffer[] = [];
    for await (const chunk of client.blob(parseReference(`${registry.host}/r`), descriptor)) chunks.push(chunk);
    expect(Buffer.concat(chunks).equals(content)).toBe(true);
    expect(storage.seen.map(({ target }) => target)).toEqual(["/blob?signature=1", "/blob?signature=2"]);
    for (const { headers } of storage.seen) expect(headers.authorization).toBeUndefined();
    expect(registry.seen.at(-1)?.headers.authorization).toMatch(/^Basic /);
  });

  test("within the registry keeps the authorization; one that never ends is given up", async () => {
    let hops = 0;
    await using registry = await fakeServer(({ headers, target }, response) => {
      if (headers.authorization === undefined) response.writeHead(401, { "www-authenticate": "Basic realm=x" }).end();
      else if (target === "/there") response.end(content);
      else response.writeHead(302, { location: hops++ === 0 ? "/there" : target }).end();
    });
    const { client } = testClient(basic);
    const blob = () => client.blob(parseReference(`${registry.host}/r`), descriptor);
    let size = 0;
    for await (const chunk of blob()) size += chunk.length;
    expect(size).toBe(content.length);
    await expect(blob().next()).rejects.toThrow("redirects more than 5 times");
  });

  test.for([undefined, "http://", "ftp://127.0.0.1/x", "file:///etc/passwd"])("to %s is refused", async (location) => {
    const { error } = await pull((_, response) =>
      response.writeHead(307, location === undefined ? {} : { location }).end(),
    );
    expect(error).toMatchObject({ code: "REGISTRY_ANSWER_INVALID" });
  });

  test("whose storage asks for a password gets none", async () => {
    await using storage = await fakeServer((_, response) =>
      response.writeHead(401, { "www-authenticate": "Basic realm=phishing" }).end(),
    );
    await using registry = await fakeServer((_, response) =>
      response.writeHead(307, { location: `http://${storage.host}/x` }).end(),
    );
    const { client } = testClient(basic);
    await expect(client.blob(parseReference(`${registry.host}/r`), descriptor).next()).rejects.toMatchObject({
      code: "REGISTRY_DENIED",
      reason: expect.stringContaining(storage.host),
    });
    expect(storage.seen).toHaveLength(1);
    expect(storage.seen[0]?.headers.authorization).toBeUndefined();
  });
});
