import { writeFileSync } from "node:fs";
import type { TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fakeServer } from "../../test/support/fake-server.ts";
import { fault } from "../../test/support/fault.ts";
import { type TemporaryFolder, temporaryFolder } from "../../test/support/temporary-folder.ts";
import { LocalCa } from "../certificates/index.ts";
import { systemClock } from "../shared/clock.ts";
import { silentLogger } from "../shared/log.ts";
import { fakeConsul, testConsul } from "./fakes.ts";
import { consulOptions } from "./options.ts";

describe("the environment", () => {
  test("without anything in it means the agent of this machine", () => {
    const options = consulOptions({});
    expect(options.endpoint.url.href).toBe("http://127.0.0.1:8500/");
    expect(options).toMatchObject({ token: undefined, tls: { verify: true } });
    expect([options, options.endpoint, options.tls].every(Object.isFrozen)).toBe(true);
  });

  test("says all that Consul's own programs read of it", () => {
    const options = consulOptions({
      CONSUL_HTTP_ADDR: "consul.example.com:8501",
      CONSUL_HTTP_SSL: "1",
      CONSUL_HTTP_TOKEN: "secret",
      CONSUL_HTTP_TOKEN_FILE: "/run/token",
      CONSUL_HTTP_AUTH: "user:pass:word",
      CONSUL_CACERT: "/ca.pem",
      CONSUL_CAPATH: "/ca",
      CONSUL_CLIENT_CERT: "/cert.pem",
      CONSUL_CLIENT_KEY: "/key.pem",
      CONSUL_TLS_SERVER_NAME: "server.dc1.consul",
      CONSUL_HTTP_SSL_VERIFY: "false",
      CONSUL_NAMESPACE: "team-a",
      CONSUL_PARTITION: "part",
      CONSUL_DATACENTER: "dc2",
    });
    expect(options).toEqual({
      endpoint: { url: new URL("https://consul.example.com:8501/") },
      token: "secret",
      tokenFile: "/run/token",
      authorization: `Basic ${btoa("user:pass:word")}`,
      tls: {
        caFile: "/ca.pem",
        caFolder: "/ca",
        certFile: "/cert.pem",
        keyFile: "/key.pem",
        serverName: "server.dc1.consul",
        verify: false,
      },
      datacenter: "dc2",
      namespace: "team-a",
      partition: "part",
    });
  });

  test("with empty variables says as little as without them", () => {
    const names = ["HTTP_ADDR", "HTTP_SSL", "HTTP_TOKEN", "HTTP_AUTH", "CLIENT_CERT", "HTTP_SSL_VERIFY", "NAMESPACE"];
    expect(consulOptions(Object.fromEntries(names.map((name) => [`CONSUL_${name}`, ""])))).toEqual(consulOptions({}));
  });

  test.for([
    [{ CONSUL_HTTP_ADDR: "ftp://a" }, "CONSUL_HTTP_ADDR", "there is no scheme ftp://"],
    [{ CONSUL_HTTP_SSL: "yes" }, "CONSUL_HTTP_SSL", '"yes" is neither true nor false'],
    [{ CONSUL_HTTP_SSL_VERIFY: "2" }, "CONSUL_HTTP_SSL_VERIFY", "neither true nor false"],
    [{ CONSUL_HTTP_TOKEN: "a\nb" }, "CONSUL_HTTP_TOKEN", "it holds more than letters"],
    [{ CONSUL_CLIENT_CERT: "/cert.pem" }, "CONSUL_CLIENT_KEY", "it is not set, and CONSUL_CLIENT_CERT is"],
    [{ CONSUL_CLIENT_KEY: "/key.pem" }, "CONSUL_CLIENT_CERT", "it is not set, and CONSUL_CLIENT_KEY is"],
    [{ CONSUL_NAMESPACE: "a&b" }, "CONSUL_NAMESPACE", '"a&b" is no name'],
  ] as const)("that cannot be meant names the variable: %o", ([environment, subject, cause]) => {
    const error = fault(() => consulOptions(environment));
    expect(error).toMatchObject({ code: "ENVIRONMENT_INVALID", operation: "read", subject });
    expect(error.reason).toContain(cause);
  });
});

test("token, authorization, datacenter, namespace and partition go with every request", async () => {
  await using fake = await fakeConsul((_, response) => response.end('"127.0.0.1:8300"'), {
    CONSUL_HTTP_TOKEN: "secret",
    CONSUL_HTTP_AUTH: "user",
    CONSUL_NAMESPACE: "n",
    CONSUL_PARTITION: "p",
    CONSUL_DATACENTER: "d",
  });
  expect(await fake.consul.status.leader()).toBe("127.0.0.1:8300");
  expect(fake.seen[0]?.target).toBe("/v1/status/leader?dc=d&ns=n&partition=p");
  expect(fake.seen[0]?.headers).toMatchObject({ "x-consul-token": "secret", authorization: `Basic ${btoa("user:")}` });
});

describe("files", () => {
  let folder: TemporaryFolder;
  let ca: LocalCa;

  beforeAll(() => {
    folder = temporaryFolder("consul");
    ca = LocalCa.open(folder.file("ca"), systemClock, silentLogger);
    writeFileSync(folder.file("ca.pem"), ca.certificate);
    writeFileSync(folder.file("empty"), "\n");
  });

  afterAll(() => folder[Symbol.dispose]());

  test("of a token come before the token; an empty one does not", async () => {
    writeFileSync(folder.file("token"), " fromfile\n");
    for (const [file, token] of [
      ["token", "fromfile"],
      ["empty", "fromenvironment"],
    ] as const) {
      await using fake = await fakeConsul((_, response) => response.end('""'), {
        CONSUL_HTTP_TOKEN: "fromenvironment",
        CONSUL_HTTP_TOKEN_FILE: folder.file(file),
      });
      expect(await fake.consul.status.leader()).toBeUndefined();
      expect(fake.seen[0]?.headers["x-consul-token"]).toBe(token);
    }
  });

  test("of certificates: a CA of one's own is trusted, we show our certificate, and the server may have another name", async () => {
    const own = await ca.issue(["steppe.client"]);
    writeFileSync(folder.file("cert.pem"), own);
    const shown: string[] = [];
    const pem = await ca.issue(["server.dc1.consul"]);
    const tls = { key: pem, cert: pem, requestCert: true, rejectUnauthorized: false };
    await using server = await fakeServer((_, response) => {
      shown.push((response.req.socket as TLSSocket).getPeerCertificate().subject.CN as string);
      response.end('"leader"');
    }, tls);
    const environment = {
      CONSUL_HTTP_ADDR: server.host,
      CONSUL_HTTP_SSL: "true",
      CONSUL_CACERT: folder.file("ca.pem"),
      CONSUL_CLIENT_CERT: folder.file("cert.pem"),
      CONSUL_CLIENT_KEY: folder.file("cert.pem"),
      CONSUL_TLS_SERVER_NAME: "server.dc1.consul",
    };
    await using good = testConsul(environment);
    expect(await good.consul.status.leader()).toBe("leader");
    expect(shown).toEqual(["steppe.client"]);

    await using otherName = testConsul({ ...environment, CONSUL_TLS_SERVER_NAME: "other.dc1.consul" });
    await expect(otherName.consul.status.leader()).rejects.toThrow("its certificate is for another name");
    await using untrusted = testConsul({ ...environment, CONSUL_CACERT: "" });
    await expect(untrusted.consul.status.leader()).rejects.toMatchObject({
      code: "CONSUL_UNREACHABLE",
      hint: expect.stringContaining("CONSUL_CACERT"),
    });
    await using unverified = testConsul({ ...environment, CONSUL_CACERT: "", CONSUL_HTTP_SSL_VERIFY: "false" });
    expect(await unverified.consul.status.leader()).toBe("leader");
    await using plain = testConsul({ CONSUL_HTTP_ADDR: server.host });
    await expect(plain.consul.status.leader()).rejects.toMatchObject({ code: "CONSUL_UNREACHABLE" });
  });

  test("in a folder of authorities are all trusted", async () => {
    using authorities = temporaryFolder("capath");
    writeFileSync(authorities.file("a.pem"), ca.certificate);
    const pem = await ca.issue(["127.0.0.1"]);
    await using server = await fakeServer((_, response) => response.end('"leader"'), pem);
    await using client = testConsul({
      CONSUL_HTTP_ADDR: `https://${server.host}`,
      CONSUL_CAPATH: authorities.path,
    });
    expect(await client.consul.status.leader()).toBe("leader");
  });

  test("that are missing, or something else, name the variable", async () => {
    const other = await ca.issue(["other"]);
    const own = await ca.issue(["own"]);
    writeFileSync(folder.file("other.pem"), other);
    writeFileSync(folder.file("own.pem"), own);
    using nothing = temporaryFolder("nothing");
    for (const [name, value, cause, more] of [
      ["CONSUL_CACERT", folder.file("none"), "cannot be read (ENOENT)"],
      ["CONSUL_CACERT", folder.file("empty"), "is no certificate in PEM"],
      ["CONSUL_CAPATH", nothing.path, "there are no certificates in"],
      ["CONSUL_HTTP_TOKEN_FILE", folder.path, "cannot be read (EISDIR)"],
      ["CONSUL_HTTP_TOKEN_FILE", folder.file("ca.pem"), "holds more than a token"],
      [
        "CONSUL_CLIENT_KEY",
        folder.file("other.pem"),
        "is not the key of",
        { CONSUL_CLIENT_CERT: folder.file("own.pem") },
      ],
      ["CONSUL_CLIENT_KEY", folder.file("ca.pem"), "is no private key", { CONSUL_CLIENT_CERT: folder.file("own.pem") }],
    ] as const) {
      const error = fault(() => testConsul({ [name]: value, ...more }));
      expect(error).toMatchObject({ code: "ENVIRONMENT_INVALID", subject: name });
      expect(error.reason).toContain(cause);
    }
  });
});
