import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import type { TLSSocket } from "node:tls";
import { describe, expect, test } from "vitest";
import { fakeServer } from "../../test/support/fake-server.ts";
import { fault } from "../../test/support/fault.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { LocalCa } from "../certificates/index.ts";
import { systemClock } from "../shared/clock.ts";
import { silentLogger } from "../shared/log.ts";
import { fakeNomad, testNomad } from "./fakes.ts";
import { nomadOptions } from "./options.ts";

describe("the environment", () => {
  test("without anything in it means the agent of this machine", () => {
    const options = nomadOptions({});
    expect(options.endpoint.url.href).toBe("http://127.0.0.1:4646/");
    expect(options).toMatchObject({ token: undefined, region: undefined, namespace: undefined, tls: { verify: true } });
    expect([options, options.endpoint, options.tls].every(Object.isFrozen)).toBe(true);
  });

  test("says all that Nomad's own programs read of it", () => {
    const options = nomadOptions({
      NOMAD_ADDR: "https://nomad.example.com:4747/below",
      NOMAD_TOKEN: "secret",
      NOMAD_REGION: "europe",
      NOMAD_NAMESPACE: "team-a",
      NOMAD_HTTP_AUTH: "user:pass:word",
      NOMAD_CACERT: "/ca.pem",
      NOMAD_CAPATH: "/ca",
      NOMAD_CLIENT_CERT: "/cert.pem",
      NOMAD_CLIENT_KEY: "/key.pem",
      NOMAD_TLS_SERVER_NAME: "server.global.nomad",
      NOMAD_SKIP_VERIFY: "1",
    });
    expect(options).toEqual({
      endpoint: { url: new URL("https://nomad.example.com:4747/below") },
      token: "secret",
      authorization: `Basic ${btoa("user:pass:word")}`,
      tls: {
        caFile: "/ca.pem",
        caFolder: "/ca",
        certFile: "/cert.pem",
        keyFile: "/key.pem",
        serverName: "server.global.nomad",
        verify: false,
      },
      region: "europe",
      namespace: "team-a",
    });
  });

  test("with empty variables says as little as without them", () => {
    const names = ["ADDR", "TOKEN", "REGION", "NAMESPACE", "HTTP_AUTH", "CLIENT_CERT", "SKIP_VERIFY"];
    expect(nomadOptions(Object.fromEntries(names.map((name) => [`NOMAD_${name}`, ""])))).toEqual(nomadOptions({}));
  });

  test.for([
    [{ NOMAD_ADDR: "ftp://a" }, "NOMAD_ADDR", "there is no scheme ftp://"],
    [{ NOMAD_ADDR: "http://user:pass@a" }, "NOMAD_ADDR", "a user and a password have no place in it"],
    [{ NOMAD_SKIP_VERIFY: "yes" }, "NOMAD_SKIP_VERIFY", '"yes" is neither true nor false'],
    [{ NOMAD_TOKEN: "a b" }, "NOMAD_TOKEN", "it holds more than letters"],
    [{ NOMAD_CLIENT_CERT: "/cert.pem" }, "NOMAD_CLIENT_KEY", "it is not set, and NOMAD_CLIENT_CERT is"],
    [{ NOMAD_CLIENT_KEY: "/key.pem" }, "NOMAD_CLIENT_CERT", "it is not set, and NOMAD_CLIENT_KEY is"],
    [{ NOMAD_NAMESPACE: "a&b" }, "NOMAD_NAMESPACE", '"a&b" is no name'],
    [{ NOMAD_REGION: "a?b" }, "NOMAD_REGION", '"a?b" is no name'],
  ] as const)("that cannot be meant names the variable: %o", ([environment, subject, cause]) => {
    const error = fault(() => nomadOptions(environment));
    expect(error).toMatchObject({ code: "ENVIRONMENT_INVALID", operation: "read", subject });
    expect(error.reason).toContain(cause);
  });
});

describe("what goes with every request", () => {
  const environment = { NOMAD_TOKEN: "secret", NOMAD_HTTP_AUTH: "user", NOMAD_REGION: "r", NOMAD_NAMESPACE: "*" };

  test("token, authorization, region and namespace", async () => {
    await using fake = await fakeNomad((_, response) => response.end('"127.0.0.1:4647"'), environment);
    expect(await fake.nomad.status.leader()).toBe("127.0.0.1:4647");
    expect(fake.seen[0]?.target).toBe("/v1/status/leader?region=r&namespace=*");
    expect(fake.seen[0]?.headers).toMatchObject({ "x-nomad-token": "secret", authorization: `Basic ${btoa("user:")}` });
  });

  test("another region or namespace, where a call says so", async () => {
    await using fake = await fakeNomad((_, response) => response.end("[]"), environment);
    await fake.nomad.jobs.list({ namespace: "other", region: "far" });
    expect(fake.seen[0]?.target).toBe("/v1/jobs?region=far&namespace=other");
  });
});

test("an agent is reached through a unix socket", async () => {
  using folder = temporaryFolder("nomad");
  const path = folder.file("agent.sock");
  const server = createServer((_, response) => response.end('"leader"')).listen(path);
  await once(server, "listening");
  await using client = testNomad({ NOMAD_ADDR: `unix://${path}` });
  expect(await client.nomad.status.leader()).toBe("leader");
  server.closeAllConnections();
  server.close();
});

describe("certificates", () => {
  test("a CA of one's own is trusted, we show our certificate, and the server may have another name", async () => {
    using folder = temporaryFolder("nomad");
    const ca = LocalCa.open(folder.file("ca"), systemClock, silentLogger);
    writeFileSync(folder.file("ca.pem"), ca.certificate);
    writeFileSync(folder.file("cert.pem"), await ca.issue(["steppe.client"]));
    const shown: string[] = [];
    const pem = await ca.issue(["server.global.nomad"]);
    const tls = { key: pem, cert: pem, requestCert: true, rejectUnauthorized: false };
    await using server = await fakeServer((_, response) => {
      shown.push((response.req.socket as TLSSocket).getPeerCertificate().subject.CN as string);
      response.end('"leader"');
    }, tls);
    const environment = {
      NOMAD_ADDR: `https://${server.host}`,
      NOMAD_CACERT: folder.file("ca.pem"),
      NOMAD_CLIENT_CERT: folder.file("cert.pem"),
      NOMAD_CLIENT_KEY: folder.file("cert.pem"),
      NOMAD_TLS_SERVER_NAME: "server.global.nomad",
    };
    await using good = testNomad(environment);
    expect(await good.nomad.status.leader()).toBe("leader");
    expect(shown).toEqual(["steppe.client"]);

    await using otherName = testNomad({ ...environment, NOMAD_TLS_SERVER_NAME: "other" });
    await expect(otherName.nomad.status.leader()).rejects.toThrow("its certificate is for another name");
    await using untrusted = testNomad({ ...environment, NOMAD_CACERT: "" });
    await expect(untrusted.nomad.status.leader()).rejects.toMatchObject({
      code: "NOMAD_UNREACHABLE",
      hint: expect.stringContaining("NOMAD_CACERT"),
    });
    await using unverified = testNomad({ ...environment, NOMAD_CACERT: "", NOMAD_SKIP_VERIFY: "true" });
    expect(await unverified.nomad.status.leader()).toBe("leader");
    await using plain = testNomad({ ...environment, NOMAD_ADDR: `http://${server.host}` });
    await expect(plain.nomad.status.leader()).rejects.toMatchObject({ code: "NOMAD_UNREACHABLE" });
    expect(fault(() => testNomad({ ...environment, NOMAD_CACERT: folder.file("none") }))).toMatchObject({
      code: "ENVIRONMENT_INVALID",
      subject: "NOMAD_CACERT",
    });
  });
});
