import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { ErrorBody } from "../src/api/types.ts";
import { httpGet } from "./support/http-get.ts";
import type { Pushed, TestApp } from "./support/test-app.ts";
import { testPlatform } from "./support/test-platform.ts";

const { steppe, folder, add } = testPlatform("refusals");
let plain: TestApp;
let built: TestApp;

beforeAll(async () => {
  plain = await add("plain");
  // the shortest time that is allowed is a second
  built = await add("built", "--build", "sh build.sh", "--output", "out", "--build-timeout", "1s");
  await plain.release("good", { "index.html": "good" });
  await built.release("good", { "build.sh": "mkdir out && echo good > out/index.html" });
}, 90_000);

/** The push itself is fine; what became of it is said in one line, with what to do, and what serves. */
async function expectRefused(app: TestApp, { code, lines, text }: Pushed, error: string, hint: string | RegExp) {
  expect(code, text).toBe(0);
  const at = lines.indexOf(`error: ${error}`);
  expect(lines, text).toContain(`error: ${error}`);
  expect(lines[at + 1]?.trim()).toMatch(hint);
  expect(lines.slice(at + 2)).toEqual([`  Release 1 of ${app.name} goes on serving.`]);
  expect(await app.text(), "the last good release").toBe(app === plain ? "good" : "good\n");
}

describe("a site that is not right is refused, and the last good release serves", () => {
  test("an empty repository", async () => {
    const pushed = await plain.release("empty", {});
    await expectRefused(plain, pushed, "read plain@empty: it holds no file for visitors", "Check the app's `folder`");
  });

  test("a symbolic link that leads out", async () => {
    symlinkSync("../../etc/passwd", plain.repository.folder + "/passwd.txt");
    const pushed = await plain.release("link", { "index.html": "bad" });
    const cause = "the link `passwd.txt` leads out of the site, to `../../etc/passwd`";
    await expectRefused(plain, pushed, `read plain@link: ${cause}`, "Copy the target into the site");
  });

  test("a symbolic link that leads nowhere", async () => {
    symlinkSync("gone.html", plain.repository.folder + "/old.html");
    const pushed = await plain.release("broken", { "index.html": "bad" });
    const cause = "the link `old.html` to `gone.html` leads to nothing";
    await expectRefused(plain, pushed, `read plain@broken: ${cause}`, "Correct the link");
  });

  test("a name that is no UTF-8", async () => {
    const name = Buffer.concat([Buffer.from(`${plain.repository.folder}/caf`), Buffer.of(0xe9), Buffer.from(".html")]);
    writeFileSync(name, "bad");
    const pushed = await plain.release("latin1", { "index.html": "bad" });
    const cause = "`caf\\xe9.html` is a name that is not UTF-8";
    await expectRefused(plain, pushed, `read plain@latin1: ${cause}`, "Rename the file");
  });

  test("a path of 4,096 bytes", async () => {
    await tagLongPath(plain, "long", 4096);
    const pushed = await plain.push("long");
    const error = pushed.lines.find((line) => line.startsWith("error: ")) ?? "";
    expect(error).toMatch(/^error: read plain@long: `d+\/d+…d+\/index\.html` is a path of 4096 bytes$/);
    expect(error.length).toBeLessThan(200);
    await expectRefused(plain, pushed, error.slice("error: ".length), "1,024 bytes are allowed");
  });

  test("a page that does not hold what the check wants", async () => {
    const checked = await add("checked", "--check-contains", "Welcome");
    await checked.release("v1", { "index.html": "Welcome" });
    const { lines } = await checked.release("v2", { "index.html": "Oops" });
    expect(lines.at(-3)).toMatch(/^error: check checked\S* release 2: .*Welcome/);
    expect(lines.at(-1)).toBe("  Release 1 of checked goes on serving.");
    expect(await checked.text()).toBe("Welcome");
  });
});

describe("a build that is not right is refused, and the last good release serves", () => {
  test.each([
    ["leaves nothing", "mkdir out", "read built@%: the folder `out` holds no file for visitors", "`build.output`"],
    ["has no output folder", "true", "read built@%: there is no folder `out`", "`build.output`"],
    [
      "leaves a link that leads out",
      "mkdir out; echo x > out/index.html; ln -s /etc/passwd out/p",
      "read built@%: the link `p` leads out of the site, to `/etc/passwd`",
      "Copy the target into the site",
    ],
    ["fails", "exit 3", "build built@%: the command exited with 3", "`steppe logs built --build` shows the whole log."],
    ["wants a program that is not there", "jekyl build", "build built@%: the command exited with 127", /does not have/],
    ["hangs", "echo waiting; sleep 1000", "build built@%: the command did not end within 1 s", "`build.timeout`"],
  ])("that %s", async (what, script, error, hint) => {
    const tag = what.replaceAll(" ", "-");
    const pushed = await built.release(tag, { "build.sh": `echo a line of the log; ${script}` });
    await expectRefused(built, pushed, error.replace("%", tag), hint);
    expect(pushed.lines.filter((line) => line === "  | a line of the log")).toHaveLength(1);
    const log = await steppe.cli("logs", "built", "--build");
    expect(log.stdout.toString()).toMatch(/^\$ sh build\.sh\na line of the log\n/);
    const status = await steppe.cli("status", "built");
    expect(status.stdout.toString()).toContain(`${tag} failed`);
  });
});

describe("a folder that is not right is refused", () => {
  test.each([
    ["empty", () => {}, "SITE_EMPTY"],
    ["with a link that leads out", (path: string) => symlinkSync("/etc/passwd", join(path, "x")), "LINK_OUTSIDE"],
  ])("%s", async (_, fill, code) => {
    const path = folder.file(`upload-${code}`);
    mkdirSync(path);
    fill(path);
    const { code: exit, stderr } = await steppe.cli("deploy", "plain", "--dir", path, "--json");
    expect(exit).toBe(6);
    expect(JSON.parse(stderr)).toMatchObject({ code, subject: "plain" });
    expect(await plain.text()).toBe("good");
  });
});

describe("who has no right is refused", () => {
  const ask = async (headers: Record<string, string>): Promise<[number, Partial<ErrorBody>]> => {
    const { status, text } = await httpGet(steppe.addresses.api, { host: "127.0.0.1", path: "/v1/apps", headers });
    return [status, JSON.parse(text) as Partial<ErrorBody>];
  };

  test("a push with a wrong token, and where the right one is", async () => {
    const wrong = plain.pushUrl.replace(/:[^:@]+@/, ":wrong@");
    const { code, stderr } = await plain.repository.tryGit("push", wrong, "HEAD:refs/tags/evil");
    expect(code).toBe(128);
    expect(stderr).toContain("remote: authorize /git/plain.git/info/refs: the token is not the right one");
    expect(stderr).toContain("remote: `steppe app show plain --push-url` prints the address with the right one in it.");
  });

  test("a push with another app's token", async () => {
    const other = built.pushUrl.replace("/built.git", "/plain.git");
    expect((await plain.repository.tryGit("push", other, "HEAD:refs/tags/evil")).code).toBe(128);
    expect((await plain.view()).lastDeployment?.source).not.toMatchObject({ ref: "refs/tags/evil" });
  });

  test("a call with a wrong token, or none", async () => {
    expect(await ask({})).toMatchObject([401, { code: "TOKEN_MISSING" }]);
    expect(await ask({ authorization: "Bearer wrong" })).toMatchObject([401, { code: "TOKEN_WRONG" }]);
    expect(await ask({ authorization: "Bearer " })).toMatchObject([401, { code: "TOKEN_MISSING" }]);
    expect(await ask({ authorization: `Bearer ${steppe.token}` })).toMatchObject([200, {}]);
  });

  test("a call of a web page, even with the token", async () => {
    const authorization = `Bearer ${steppe.token}`;
    for (const origin of ["https://evil.example", "null", steppe.addresses.http]) {
      expect(await ask({ authorization, origin }), origin).toMatchObject([403, { code: "ORIGIN_REFUSED" }]);
    }
    const crossSite = await ask({ authorization, "sec-fetch-site": "cross-site" });
    expect(crossSite).toMatchObject([403, { code: "ORIGIN_REFUSED" }]);
  });

  test("a call by a foreign name that leads here, even with the token", async () => {
    const authorization = `Bearer ${steppe.token}`;
    const { port } = new URL(steppe.addresses.api);
    for (const host of [`evil.example:${port}`, "evil.example", "plain.localhost", "127.0.0.1:1"]) {
      const [status, error] = await ask({ authorization, host });
      expect([status, error.code, error.subject], host).toEqual([421, "HOST_REFUSED", `host "${host}"`]);
    }
  });

  test("a push from a foreign origin or by a foreign name", async () => {
    const path = "/git/plain.git/info/refs?service=git-receive-pack";
    const authorization = `Basic ${Buffer.from(`steppe:${steppe.token}`).toString("base64")}`;
    const push = (headers: Record<string, string>) =>
      httpGet(steppe.addresses.api, { host: "127.0.0.1", path, headers: { authorization, ...headers } });
    expect((await push({})).status).toBe(200);
    expect((await push({ origin: "https://evil.example" })).status).toBe(403);
    expect((await push({ host: "evil.example" })).status).toBe(421);
  });
});

describe("a domain", () => {
  test("of another app is refused, and neither app changes", async () => {
    const { code, stderr } = await steppe.cli("app", "add", "thief", "--domain", "plain.localhost");
    expect(stderr).toContain("give the domain plain.localhost to the app thief: it belongs to the app plain");
    expect(stderr).toContain("hint: Remove it from plain first, or give thief another domain.");
    expect(code).toBe(3);
    expect((await steppe.cli("app", "show", "thief")).code).toBe(3);
    expect(await plain.text()).toBe("good");
  });

  test("that two apps of a steppe.yaml have is refused with its places, and nothing is applied", async () => {
    const path = folder.file("two");
    mkdirSync(path);
    writeFileSync(join(path, "steppe.yaml"), "apps:\n  a: { domain: x.localhost }\n  b: { domain: x.localhost }\n");
    const { code, stderr } = await steppe.cliIn(path, "apply");
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/steppe\.yaml:3:\d+: .*x\.localhost/);
    expect((await steppe.cli("app", "show", "a")).code).toBe(3);
  });

  test.each([
    ["not a domain", "`not a domain` has a space in it"],
    ["https://x.example", "`https://x.example` has a scheme; leave out `https://`"],
    ["x.example:80", "`x.example:80` has a port; leave out `:80`"],
    ["-x.example", "`-x.example` has a label that begins or ends with a hyphen (`-x`)"],
    ["10.0.0.1", "`10.0.0.1` is an IP address; a domain is a name"],
    ["*.*.example", "`*.*.example` has a `*` that is not its whole first label; write `*.example.com`"],
    ["", "is empty"],
  ])("that is none is refused: %j", async (domain, problem) => {
    const { code, stderr } = await steppe.cli("app", "add", "none", `--domain=${domain}`);
    expect(stderr).toContain(`add app none: --domain ${problem} [DOMAIN_INVALID]`);
    expect(stderr).toContain("hint: A domain is a host name such as `blog.example.com`");
    expect(code).toBe(2);
  });
});

/** A commit with a path of just so many bytes, which no work tree could hold, by git's plumbing. */
async function tagLongPath({ repository }: TestApp, tag: string, bytes: number): Promise<void> {
  const blob = await repository.gitWithInput("bad", "hash-object", "-w", "--stdin");
  let tree = await repository.gitWithInput(`100644 blob ${blob}\tindex.html\n`, "mktree");
  for (let left = bytes - "index.html".length; left > 0; left -= 201) {
    tree = await repository.gitWithInput(`040000 tree ${tree}\t${"d".repeat(Math.min(left, 201) - 1)}\n`, "mktree");
  }
  const commit = await repository.git("commit-tree", "-m", "Long", tree);
  await repository.git("tag", tag, commit);
}
