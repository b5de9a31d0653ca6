import type { ServerResponse } from "node:http";
import { describe, expect, test } from "vitest";
import type { Credentials } from "./credentials.ts";
import { digestOf, fakeServer, type FakeServer, type Seen, testClient } from "./fakes.ts";
import { parseReference } from "./reference.ts";

const manifest = JSON.stringify({ schemaVersion: 2, config: { digest: digestOf("c"), size: 1 }, layers: [] });

interface TokenRegistry extends FakeServer {
  /** What the token server was asked. */
  tokens: Seen[];
}

interface TokenOptions {
  /** Whether the registry is content with this authorization for a target. */
  letsIn?: (authorization: string | undefined, seen: Seen) => boolean;
  challenge?: (host: string, seen: Seen) => string;
  /** The status with which one is not let in. */
  status?: (authorization: string | undefined) => number;
  token?: (seen: Seen, response: ServerResponse, count: number) => void;
}

/** A registry that is its own token server. The n-th token is `tN`. */
async function tokenRegistry({
  letsIn,
  challenge,
  token,
  status = () => 401,
}: TokenOptions = {}): Promise<TokenRegistry> {
  const tokens: Seen[] = [];
  const server: FakeServer = await fakeServer((seen, response) => {
    if (seen.target.startsWith("/token")) {
      tokens.push(seen);
      if (token === undefined) response.end(JSON.stringify({ token: `t${tokens.length}`, expires_in: 300 }));
      else token(seen, response, tokens.length);
      return;
    }
    const { authorization } = seen.headers;
    if (letsIn?.(authorization, seen) ?? authorization?.startsWith("Bearer ")) {
      response
        .writeHead(200, { "docker-content-digest": digestOf(manifest) })
        .end(seen.method === "HEAD" ? "" : manifest);
      return;
    }
    const standard = `Bearer realm="http://${server.host}/token",service="svc"`;
    response
      .writeHead(status(authorization), { "www-authenticate": challenge?.(server.host, seen) ?? standard })
      .end("{}");
  });
  return { ...server, tokens };
}

/** Wants a token of another repository, too, and says so only to who has one already. */
function fakeTokenScopes(status: number): Promise<TokenRegistry> {
  return tokenRegistry({
    letsIn: (authorization) => authorization === "Bearer t2",
    status: (authorization) => (authorization === undefined ? 401 : status),
    challenge: (host, { headers }) => {
      const more = ',scope="repository:team/base:pull",error="insufficient_scope"';
      return `Bearer realm="http://${host}/token",service="svc"${headers.authorization === undefined ? "" : more}`;
    },
  });
}

function clientFor(credentials?: Credentials) {
  return testClient(credentials === undefined ? {} : { credentials: async () => credentials });
}

const user = { username: "u", password: "p:ä" };
const basic = `Basic ${Buffer.from("u:p:ä").toString("base64")}`;

describe("a registry that wants tokens", () => {
  test("gets one by scope, fetched once with the password, and again before it runs out", async () => {
    await using registry = await tokenRegistry();
    const { client, clock } = clientFor(user);
    const site = parseReference(`${registry.host}/team/site:v1`);
    expect((await client.resolve(site)).digest).toBe(digestOf(manifest));
    await client.manifest(site);
    expect(registry.tokens).toHaveLength(1);
    const { searchParams } = new URL(registry.tokens[0]!.target, "http://x");
    expect(Object.fromEntries(searchParams)).toEqual({ service: "svc", scope: "repository:team/site:pull" });
    expect(registry.tokens[0]!.headers.authorization).toBe(basic);
    clock.pass(239_000);
    await client.resolve(site);
    expect(registry.tokens).toHaveLength(1);
    clock.pass(2000);
    await client.resolve(site);
    await client.resolve(parseReference(`${registry.host}/team/other:v1`));
    expect(registry.tokens).toHaveLength(3);
    // Only the very first request went without a token.
    expect(
      registry.seen.filter(({ target, headers }) => target.startsWith("/v2") && !headers.authorization),
    ).toHaveLength(1);
  });

  test("gives one anonymously, and many requests at once share it", async () => {
    await using registry = await tokenRegistry();
    const { client } = clientFor();
    const site = parseReference(`${registry.host}/team/site:v1`);
    await Promise.all(Array.from({ length: 5 }, () => client.resolve(site)));
    expect(registry.tokens).toHaveLength(1);
    expect(registry.tokens[0]!.headers.authorization).toBeUndefined();
  });

  test("gets an identity token by POST, with `access_token` in the answer", async () => {
    await using registry = await tokenRegistry({
      token: (_, response) => response.end(JSON.stringify({ access_token: "at" })),
      letsIn: (authorization) => authorization === "Bearer at",
    });
    const { client } = clientFor({ identityToken: "refresh me" });
    await client.resolve(parseReference(`${registry.host}/team/site:v1`));
    const { method, body, headers } = registry.tokens[0]!;
    expect({ method, type: headers["content-type"] }).toEqual({
      method: "POST",
      type: "application/x-www-form-urlencoded",
    });
    expect(Object.fromEntries(new URLSearchParams(body.toString()))).toEqual({
      grant_type: "refresh_token",
      client_id: "steppe",
      scope: "repository:team/site:pull",
      refresh_token: "refresh me",
      service: "svc",
    });
  });

  test("that takes a token back gets another", async () => {
    let good = "Bearer t1";
    await using registry = await tokenRegistry({ letsIn: (authorization) => authorization === good });
    const { client } = clientFor(user);
    const site = parseReference(`${registry.host}/team/site:v1`);
    await client.resolve(site);
    good = "Bearer t2";
    await client.resolve(site);
    expect(registry.tokens).toHaveLength(2);
  });

  test.for([401, 403])("that says %i insufficient_scope gets one for more", async (status) => {
    await using registry = await fakeTokenScopes(status);
    const { client } = clientFor(user);
    await client.resolve(parseReference(`${registry.host}/team/site:v1`));
    const scopes = registry.tokens.map(({ target }) => new URL(target, "http://x").searchParams.getAll("scope"));
    expect(scopes).toEqual([["repository:team/site:pull"], ["repository:team/base:pull", "repository:team/site:pull"]]);
  });

  test("that is never content is given up", async () => {
    await using registry = await tokenRegistry({ letsIn: () => false });
    const { client } = clientFor(user);
    await expect(client.manifest(parseReference(`${registry.host}/team/site:v1`))).rejects.toMatchObject({
      code: "REGISTRY_DENIED",
      subject: `${registry.host}/team/site:v1`,
      reason: `${registry.host} answered 401 Unauthorized`,
    });
    expect(registry.seen.length).toBeLessThan(7);
  });

  test("whose token server refuses: it says who was refused", async () => {
    await using registry = await tokenRegistry({
      token: (_, response) => response.writeHead(401).end('{"details":"incorrect username or password"}'),
    });
    const site = parseReference(`${registry.host}/team/site:v1`);
    await expect(clientFor(user).client.resolve(site)).rejects.toMatchObject({
      code: "REGISTRY_DENIED",
      reason: `${registry.host} answered 401 Unauthorized: incorrect username or password (the user was u)`,
    });
    await expect(clientFor().client.resolve(site)).rejects.toThrow("no credentials were given");
  });

  test.for(["{}", "[]", "", '{"token":7}', '{"token":"a\\r\\nb: c"}'])(
    "whose token server answers %s is refused",
    async (text) => {
      await using registry = await tokenRegistry({ token: (_, response) => response.end(text) });
      await expect(clientFor().client.resolve(parseReference(`${registry.host}/a/b:c`))).rejects.toMatchObject({
        code: "REGISTRY_ANSWER_INVALID",
      });
    },
  );

  test.for(["", "nowhere", "file:///etc/passwd"])("whose token server is %j is refused", async (realm) => {
    await using registry = await tokenRegistry({ challenge: () => `Bearer realm="${realm}"` });
    await expect(clientFor(user).client.resolve(parseReference(`${registry.host}/a/b:c`))).rejects.toMatchObject({
      code: "REGISTRY_ANSWER_INVALID",
    });
  });

  test("whose token server is busy is asked again", async () => {
    await using registry = await tokenRegistry({
      token: (_, response, count) =>
        count < 3 ? response.writeHead(503, { "retry-after": "2" }).end() : response.end('{"token":"t"}'),
    });
    const { client, clock } = clientFor();
    await client.resolve(parseReference(`${registry.host}/a/b:c`));
    expect(clock.waits).toEqual([2250, 2250]);
  });
});

describe("a registry that wants a password", () => {
  const challenge = (): string => 'Basic realm="r"';

  test("gets it, once asked for", async () => {
    await using registry = await tokenRegistry({ challenge, letsIn: (authorization) => authorization === basic });
    const { client } = clientFor(user);
    await client.ping(registry.host);
    await client.resolve(parseReference(`${registry.host}/a/b:c`));
    expect(registry.seen).toHaveLength(3);
  });

  test("and refuses it is not asked again with the same", async () => {
    await using registry = await tokenRegistry({ challenge, letsIn: () => false });
    await expect(clientFor(user).client.ping(registry.host)).rejects.toMatchObject({ code: "REGISTRY_DENIED" });
    expect(registry.seen).toHaveLength(2);
  });

  test("is told what is missing", async () => {
    await using registry = await tokenRegistry({ challenge, letsIn: () => false });
    await expect(clientFor().client.ping(registry.host)).rejects.toThrow(
      "wants a user and a password; none were given",
    );
    await expect(clientFor({ identityToken: "x" }).client.ping(registry.host)).rejects.toThrow(
      "an identity token was given",
    );
  });

  test("of another kind, or none that it names, is refused", async () => {
    await using other = await tokenRegistry({ challenge: () => "Negotiate", letsIn: () => false });
    await expect(clientFor(user).client.ping(other.host)).rejects.toThrow(
      "wants negotiate; Basic and Bearer are known",
    );
    await using silent = await fakeServer((_, response) => response.writeHead(401).end());
    await expect(clientFor(user).client.ping(silent.host)).rejects.toMatchObject({ code: "REGISTRY_DENIED" });
  });
});
