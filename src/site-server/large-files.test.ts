import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { get, type IncomingMessage } from "node:http";
import { get as getHttps } from "node:https";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { FolderServer } from "./folder-server.ts";

const BYTES = (5 << 20) + 12_345;

/** Asks for the file, and takes so many bytes at once, with turns of the loop between them. */
async function take(url: string, bytes: number): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const options = { agent: false, highWaterMark: bytes };
  (url.startsWith("https:")
    ? getHttps(url, { ...options, rejectUnauthorized: false }, resolve)
    : get(url, options, resolve)
  ).on("error", reject);
  const response = await promise;
  const pieces: Buffer[] = [];
  for await (const piece of response as AsyncIterable<Buffer>) {
    pieces.push(piece);
    for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
  }
  return Buffer.concat(pieces);
}

test.each(["plain", "over TLS"])(
  "many readers of a large file get all of its bytes, whatever their pace: %s",
  async (kind) => {
    using folder = temporaryFolder();
    const content = randomBytes(BYTES);
    writeFileSync(join(folder.path, "large.bin"), content);
    const pem = readFileSync(new URL("../ingress/test-certificates/default.pem", import.meta.url));
    const server = await FolderServer.start({
      folder: folder.path,
      address: { host: "127.0.0.1", port: 0 },
      watch: false,
      onRequest() {},
      onChange() {},
      onTrouble() {},
      ...(kind === "plain" ? {} : { tls: { key: pem, cert: pem } }),
    });
    try {
      const url = `${kind === "plain" ? "http" : "https"}://127.0.0.1:${server.port}/large.bin`;
      const paces = [1 << 10, 16 << 10, 64 << 10, 1 << 20];
      const taken = await Promise.all([...paces, ...paces].map((bytes) => take(url, bytes)));
      for (const bytes of taken) expect(bytes.equals(content)).toBe(true);
    } finally {
      await server.close();
    }
  },
);
