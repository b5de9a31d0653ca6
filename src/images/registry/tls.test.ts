import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type TemporaryFolder, temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { LocalCa } from "../../certificates/index.ts";
import { systemClock } from "../../shared/clock.ts";
import { silentLogger } from "../../shared/log.ts";
import { type Answerer, collect, digestOf, fakeServer, testClient } from "./fakes.ts";
import { parseReference } from "./reference.ts";

const content = randomBytes(200_000);
const descriptor = { digest: digestOf(content), size: content.length };

let folder: TemporaryFolder;
let ca: LocalCa;
let pem: string;

beforeAll(async () => {
  folder = temporaryFolder("tls");
  ca = LocalCa.open(folder.path, systemClock, silentLogger);
  pem = await ca.issue(["127.0.0.1"]);
});

afterAll(() => folder[Symbol.dispose]());

async function secure(answer: Answerer) {
  const server = await fakeServer(answer, pem);
  const settings = () => ({ ca: ca.certificate });
  const credentials = async () => ({ username: "u", password: "p" });
  return { ...server, client: testClient({ settings, credentials }).client };
}

describe("a registry with TLS", () => {
  test("of one's own CA is trusted when that is given", async () => {
    await using registry = await secure((_, response) => response.end(content));
    const chunks = await collect(registry.client.blob(parseReference(`${registry.host}/r`), descriptor));
    expect(Buffer.concat(chunks).equals(content)).toBe(true);
  });

  test("of a CA that nobody named is not, and the error says what to do", async () => {
    await using registry = await secure((_, response) => response.end(content));
    const { client, clock } = testClient({ settings: () => ({ insecure: false }) });
    await expect(client.ping(registry.host)).rejects.toMatchObject({
      code: "REGISTRY_UNREACHABLE",
      reason: expect.stringContaining("its certificate is not trusted"),
      hint: expect.stringContaining("CA"),
    });
    expect({ waits: clock.waits, seen: registry.seen }).toEqual({ waits: [], seen: [] });
  });

  test("for another name is not trusted", async () => {
    await using registry = await secure((_, response) => response.end(content));
    const name = registry.host.replace("127.0.0.1", "localhost");
    const { client } = testClient({ settings: () => ({ ca: ca.certificate }) });
    await expect(client.ping(name)).rejects.toThrow("its certificate is for another name");
  });

  test("that names itself http:, behind a proxy, is still asked with TLS", async () => {
    await using registry = await secure(({ target, headers }, response) => {
      if (target === "/there?a=b") response.end(content);
      else response.writeHead(307, { location: `http://${headers.host}/there?a=b` }).end();
    });
    const chunks = await collect(registry.client.blob(parseReference(`${registry.host}/r`), descriptor));
    expect(Buffer.concat(chunks)).toHaveLength(content.length);
  });

  test("does not lead us, or our password, into the clear", async () => {
    await using plain = await fakeServer((_, response) => response.end(content));
    const elsewhere = `http://${plain.host.replace("127.0.0.1", "localhost")}/x`;
    await using redirecting = await secure((_, response) => response.writeHead(307, { location: elsewhere }).end());
    const blob = redirecting.client.blob(parseReference(`${redirecting.host}/r`), descriptor);
    await expect(collect(blob)).rejects.toMatchObject({
      code: "REGISTRY_ANSWER_INVALID",
      reason: expect.stringContaining("not https:"),
    });
    await using challenging = await secure((_, response) =>
      response.writeHead(401, { "www-authenticate": `Bearer realm="${elsewhere}"` }).end(),
    );
    await expect(challenging.client.ping(challenging.host)).rejects.toThrow("no secrets are sent there");
    expect(plain.seen).toEqual([]);
  });
});
