import { mkdirSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { runCommand } from "../../shared/run-command.ts";
import { nativeBinary, startNative } from "../../../test/support/native-server.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";

const TIMEOUT = { timeout: 60_000 };
const get = (path: string, fields = ""): string =>
  `GET ${path} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n${fields}\r\n`;

test("what cannot be done is said in one line", TIMEOUT, async (context) => {
  const binary = await nativeBinary(context);
  await using folder = temporaryFolder("native-cli");
  await using server = await startNative(binary, folder.path);
  const fail = async (...args: string[]): Promise<[number, string]> => {
    const { code, stderr } = await runCommand({ file: binary, args });
    return [code, stderr];
  };
  const taken = `127.0.0.1:${server.port}`;
  expect(await fail("-root-dir", "/none")).toEqual([
    1,
    "steppe-static: cannot open the root folder /none: it does not exist\n",
  ]);
  expect(await fail("--root-dir", folder.path, `--listen-addr=${taken}`)).toEqual([
    1,
    `steppe-static: cannot listen on ${taken}: the address is in use\n`,
  ]);
  expect(await fail("-nope")).toEqual([2, "steppe-static: there is no such flag: -nope; --help lists the flags\n"]);
  expect((await fail("-workers", "x"))[0]).toBe(2);
  expect((await fail("-listen-addr"))[0]).toBe(2);
  expect((await runCommand({ file: binary, args: ["--version"] })).stdout.toString()).toMatch(/^steppe-static \d/);
  expect((await runCommand({ file: binary, args: ["-help"] })).stdout.toString()).toContain("-root-dir");
});

test("the flags and variables of the server that it replaces", TIMEOUT, async (context) => {
  const binary = await nativeBinary(context);
  await using folder = temporaryFolder("native-cli");
  writeFileSync(folder.file("home.html"), "home");
  writeFileSync(folder.file("lost.html"), "lost");
  mkdirSync(folder.file(".hidden"));
  writeFileSync(folder.file(".hidden/page.txt"), "hidden");
  const flags = ["-index-filename", "home.html", "--not-found-filename=lost.html", "-serve-hidden"];
  const urls = ["-health-url", "/up", "-metrics-url=/m"];
  const env = { STATIGO_SITE: 'a"b' };
  await using server = await startNative(binary, folder.path, { flags: [...flags, ...urls], env });
  const ask = async (path: string): Promise<string> => (await server.exchange(get(path))).toString();
  expect(await ask("/")).toMatch(/home$/);
  expect(await ask("/none")).toMatch(/^HTTP\/1\.1 404 .*lost$/s);
  expect(await ask("/.hidden/page.txt")).toMatch(/hidden$/);
  expect(await ask("/up")).toMatch(/^HTTP\/1\.1 204 /);
  const metrics = await ask("/m");
  expect(metrics).toContain('statigo_status_total{site="a\\"b",status="404"} 1\n');
  expect(metrics).toContain('statigo_requests_total{site="a\\"b"} 2\n');
  expect(metrics).toContain('statigo_response_time_seconds_count{site="a\\"b"} 2\n');
  expect(metrics).toContain('steppe_responses_total{site="a\\"b",status="200"} 2\n');
});

test("the access log: combined lines, escaped; whose X-Forwarded-For is believed", TIMEOUT, async (context) => {
  const binary = await nativeBinary(context);
  await using folder = temporaryFolder("native-cli");
  writeFileSync(folder.file("index.html"), "hello");
  const logged = async (fields: string, ...flags: string[]): Promise<string> => {
    await using server = await startNative(binary, folder.path, { flags });
    await server.exchange(get("/health"));
    await server.exchange(get('/?a="b', fields));
    server.process.kill("SIGTERM");
    await server.ended();
    expect(server.log.length).toBe(1);
    return server.log[0] ?? "";
  };
  expect(await logged('User-Agent: a"b\\\r\nReferer: http://r.test/\r\n')).toMatch(
    /^127\.0\.0\.1 - - \[\d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d \+0000\] "GET \/\?a=\\x22b HTTP\/1\.1" 200 5 "http:\/\/r\.test\/" "a\\x22b\\x5c"$/,
  );
  const forwarded = "X-Forwarded-For: 6.6.6.6, 2001:db8::7\r\nX-Forwarded-For: 10.0.0.1\r\n";
  expect(await logged(forwarded)).toMatch(/^2001:db8::7 /);
  expect(await logged(forwarded, "-trusted-proxies", "none")).toMatch(/^127\.0\.0\.1 /);
  expect(await logged("X-Forwarded-For: nonsense\r\n")).toMatch(/^127\.0\.0\.1 /);
});
