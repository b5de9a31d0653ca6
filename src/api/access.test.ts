import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { FakeClock } from "../shared/clock.ts";
import { silentLogger } from "../shared/log.ts";
import { checkHost } from "./check-host.ts";
import { recordingLogger, startApi, TOKEN } from "./fakes.ts";
import { loadToken } from "./token.ts";

const basic = (secret: string, user = "x"): string => `Basic ${Buffer.from(`${user}:${secret}`).toString("base64")}`;

describe("who is let in", () => {
  // path, method, authorization → status, code
  const push = "push-token-of-blog";
  const refs = "/git/blog.git/info/refs?service=git-receive-pack";
  test.each<[string, string | undefined, number]>([
    ["/healthz", undefined, 204],
    ["/v1/ca", undefined, 200],
    ["/v1/apps", undefined, 401],
    ["/v1/apps", "", 401],
    ["/v1/apps", "Bearer ", 401],
    ["/v1/apps", "Bearer", 401],
    ["/v1/apps", `Bearer ${TOKEN}`, 200],
    ["/v1/apps", `bearer ${TOKEN}`, 200],
    ["/v1/apps", basic(TOKEN), 200],
    ["/v1/apps", `Bearer ${TOKEN.slice(1)}`, 401],
    ["/v1/apps", `Bearer ${TOKEN}x`, 401],
    ["/v1/apps", `Digest ${TOKEN}`, 401],
    ["/v1/apps", TOKEN, 401],
    ["/v1/apps", `Bearer ${push}`, 401],
    ["/v1/status", undefined, 401],
    ["/v1/backup", undefined, 401],
    ["/v1/nothing", undefined, 401],
    ["/v1/nothing", `Bearer ${TOKEN}`, 404],
    [refs, undefined, 401],
    [refs, basic(""), 401],
    [refs, basic(push), 200],
    [refs, basic(push, ""), 200],
    [refs, `Bearer ${push}`, 200],
    [refs, basic(TOKEN), 200],
    [refs, basic("push-token-of-shop"), 401],
    [refs.replace("blog", "shop"), basic(push), 401],
    [refs.replace("blog", "none"), basic(push), 401],
    [refs.replace("blog", "none"), basic(""), 401],
    [refs.replace("blog", "none"), basic(TOKEN), 404],
    ["/git/../v1/apps", undefined, 401],
    ["/git/blog", basic(push), 401],
  ])("%s with %s: %i", async (path, authorization, status) => {
    await using running = await startApi();
    const headers = authorization === undefined ? {} : { authorization };
    const answer = await running.call(path, { token: null, headers });
    expect(answer.status).toBe(status);
    if (status === 401) {
      const scheme = path.startsWith("/git/") ? "Basic" : "Bearer";
      expect(answer.headers["www-authenticate"]).toContain(`${scheme} realm=`);
      expect(answer.text).toMatch(/TOKEN_|token/);
    }
    expect(answer.headers["access-control-allow-origin"]).toBeUndefined();
  });

  test("wrong tokens are logged without them, and too many are told to wait; the right one still opens", async () => {
    const lines: Parameters<typeof recordingLogger>[0] = [];
    await using running = await startApi({ log: recordingLogger(lines), clock: new FakeClock() });
    const statuses: number[] = [];
    for (let index = 0; index < 23; index++)
      statuses.push((await running.call("/v1/apps", { token: "wrong-secret" })).status);
    expect(statuses.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 401));
    expect(statuses.slice(20)).toEqual([429, 429, 429]);
    expect((await running.call("/v1/apps")).status).toBe(200);
    expect(lines.filter(({ level }) => level === "warn")).toHaveLength(21);
    expect(JSON.stringify(lines)).not.toContain("wrong-secret");
    expect(lines.find(({ level }) => level === "warn")?.fields).toMatchObject({ peer: "127.0.0.1" });
  });
});

describe("which Host and Origin are ours", () => {
  const own = { port: 7070, localAddress: "127.0.0.1", apiHost: "api.example.com" };
  const onSocket = { port: null, localAddress: undefined, apiHost: "api.example.com" };
  test.each([
    ["localhost:7070", own, true],
    ["LOCALHOST:7070", own, true],
    ["127.0.0.1:7070", own, true],
    ["127.8.9.1:7070", own, true],
    ["[::1]:7070", own, true],
    ["localhost:7071", own, false],
    ["localhost", own, false],
    ["localhost", { ...own, port: 80 }, true],
    ["blog.localhost:7070", own, false],
    ["evil.example:7070", own, false],
    ["127.0.0.1.evil.example:7070", own, false],
    ["127.999.0.1:7070", own, false],
    ["localhost:7070, evil.example", own, false], // two Host headers, as they are joined
    ["localhost..:7070", own, false],
    ["user@localhost:7070", own, false],
    ["0.0.0.0:7070", own, false],
    ["[::]:7070", own, false],
    ["[::ffff:127.0.0.1]:7070", own, false],
    ["0x7f.1:7070", own, false],
    ["2130706433:7070", own, false],
    ["", own, false],
    [undefined, own, false],
    ["localhost:7070:7070", own, false],
    ["localhost:7070@evil", own, false],
    ["api.example.com", own, true],
    ["api.example.com:8443", own, true],
    ["api.example.com.evil.example", own, false],
    ["192.0.2.7:7070", { ...own, localAddress: "192.0.2.7" }, true],
    ["192.0.2.7:7070", { ...own, localAddress: "::ffff:192.0.2.7" }, true],
    ["[2001:db8::1]:7070", { ...own, localAddress: "2001:db8::1" }, true],
    ["192.0.2.8:7070", own, false],
    ["api.example.com", onSocket, true],
    ["localhost:7070", onSocket, false],
    ["api.example.com", { ...onSocket, apiHost: null }, false],
  ])("Host %s", (host, entrance, isOurs) => {
    const check = (): void => checkHost(host === undefined ? {} : { host }, entrance);
    if (isOurs) check();
    else expect(check).toThrow(expect.objectContaining({ code: "HOST_REFUSED" }));
  });

  test.each([
    [{ origin: "http://localhost:7070" }, true],
    [{ origin: "https://localhost:7070" }, true],
    [{ origin: "http://127.0.0.1:7070" }, false],
    [{ origin: "http://blog.localhost:8080" }, false],
    [{ origin: "https://evil.example" }, false],
    [{ origin: "null" }, false],
    [{ origin: "" }, false],
    [{ origin: "http://localhost:7070.evil.example" }, false],
    [{ "sec-fetch-site": "same-origin" }, true],
    [{ "sec-fetch-site": "none" }, true],
    [{ "sec-fetch-site": "same-site" }, false],
    [{ "sec-fetch-site": "cross-site" }, false],
  ])("%o", (headers, isOurs) => {
    const check = (): void => checkHost({ host: "localhost:7070", ...headers }, own);
    if (isOurs) check();
    else expect(check).toThrow(expect.objectContaining({ code: "ORIGIN_REFUSED" }));
  });

  test.each(["/healthz", "/v1/ca", "/v1/apps", "/git/blog.git/info/refs?service=git-upload-pack", "/nothing"])(
    "%s answers no foreign page, with or without a token",
    async (path) => {
      await using running = await startApi();
      for (const token of [TOKEN, null]) {
        expect((await running.call(path, { token, headers: { origin: "https://evil.example" } })).status).toBe(403);
        expect((await running.call(path, { token, headers: { host: `evil.example:${running.port}` } })).status).toBe(
          421,
        );
        expect((await running.call(path, { token, method: "OPTIONS", headers: { origin: "null" } })).status).toBe(403);
      }
    },
  );
});

describe("the token file", () => {
  test("is made once, private, and read again", async () => {
    await using folder = temporaryFolder();
    const file = folder.file("token");
    const token = loadToken(file, silentLogger);
    expect(token).toMatch(/^[\w-]{43}$/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(loadToken(file, silentLogger)).toBe(token);
  });

  test("a token that others could read is made private, and that is said", async () => {
    await using folder = temporaryFolder();
    const lines: Parameters<typeof recordingLogger>[0] = [];
    loadToken(folder.file("token"), silentLogger);
    chmodSync(folder.file("token"), 0o644);
    loadToken(folder.file("token"), recordingLogger(lines));
    expect(statSync(folder.file("token")).mode & 0o777).toBe(0o600);
    expect(lines[0]).toMatchObject({ level: "warn", message: expect.stringContaining("could read the token") });
    expect(JSON.stringify(lines)).not.toContain(readFileSync(folder.file("token"), "utf8").trim());
  });

  test.each(["", "\n", "short", "with spaces in it, and long enough otherwise"])(
    "the token file %j opens nothing",
    async (content) => {
      await using folder = temporaryFolder();
      writeFileSync(folder.file("token"), content);
      expect(() => loadToken(folder.file("token"), silentLogger)).toThrow(
        expect.objectContaining({ code: "DATA_FOLDER_UNUSABLE" }),
      );
    },
  );
});
