import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import type { AppView, Deployment, Release } from "../src/api/types.ts";
import { until } from "./soak/processes.ts";
import { GitRepository } from "./support/git-repository.ts";
import type { TestApp } from "./support/test-app.ts";
import { testPlatform } from "./support/test-platform.ts";

const { steppe, folder, add } = testPlatform("deploying");

describe("which of what was pushed is deployed", () => {
  test("of several tags the newest by creation, and the others are explained", async () => {
    const app = await add("several");
    await app.repository.commit({ "index.html": "one" });
    await tagAt(app, "v9", 1_700_000_002);
    await app.repository.commit({ "index.html": "two" });
    await tagAt(app, "v1", 1_700_000_003);
    await app.repository.commit({ "index.html": "three" });
    await tagAt(app, "v10", 1_700_000_001);
    const { lines } = await app.push("v9", "v1", "v10");
    expect(await app.text()).toBe("two");
    for (const tag of ["v9", "v10"]) {
      const why = `${tag} is older than v1, which is the newest tag; \`steppe deploy several --tag ${tag}\` deploys it`;
      expect(lines).toContain(why);
    }
    expect(await deployments("several")).toHaveLength(1);
  });

  test("an older tag that comes later is explained, and deployed when asked for", async () => {
    const app = await add("older");
    await app.repository.commit({ "index.html": "old" });
    await tagAt(app, "v2", 1_700_000_001);
    await app.repository.commit({ "index.html": "new" });
    await tagAt(app, "v1", 1_700_000_002);
    await app.push("v1");
    const { lines } = await app.push("v2");
    expect(lines).toEqual(["v2 is older than v1, which is the newest tag; `steppe deploy older --tag v2` deploys it"]);
    expect(await app.text()).toBe("new");
    expect((await steppe.cli("deploy", "older", "--tag", "v2")).code).toBe(0);
    expect(await app.text()).toBe("old");
  });

  test("a tag that was moved is deployed, and named as moved", async () => {
    const app = await add("moved");
    await app.release("v1", { "index.html": "before" });
    const from = (await app.repository.git("rev-parse", "HEAD")).slice(0, 9);
    await app.repository.commit({ "index.html": "after" });
    const to = (await app.repository.git("rev-parse", "HEAD")).slice(0, 9);
    await app.repository.git("tag", "--force", "v1");
    const { lines } = await app.push("--force", "v1");
    expect(lines[0]).toBe(`v1 moved: it pointed to ${from} before`);
    expect(lines[1]).toMatch(new RegExp(`tag v1 received \\(${to}, moved from ${from}\\)$`));
    expect(await app.text()).toBe("after");
    const [last] = await deployments("moved");
    expect(last?.source).toMatchObject({ movedFrom: expect.stringMatching(new RegExp(`^${from}`)) });
  });

  test("`latest` never", async () => {
    const app = await add("latest");
    const { code, lines } = await app.release("latest", { "index.html": "latest" });
    expect(code).toBe(0);
    expect(lines).toEqual(["the tag `latest` never deploys: it does not say what it is"]);
    const asked = await steppe.cli("deploy", "latest", "--tag", "latest");
    expect(asked.stderr).toContain("the tag `latest` never deploys: it does not say what it is [TAG_REFUSED]");
    expect(asked.code).toBe(3);
    expect(await deployments("latest")).toEqual([]);
  });

  test("branches where they are asked for, each time they move", async () => {
    const app = await add("branches", "--branches", "main");
    for (const text of ["one", "two"]) {
      await app.repository.commit({ "index.html": text });
      const { lines } = await app.push("HEAD:refs/heads/main");
      expect(lines[0]).toMatch(/branch main received/);
      expect(await app.text()).toBe(text);
    }
    const { lines } = await app.push("HEAD:refs/heads/draft");
    expect(lines[0]).toContain("the branch draft does not deploy branches: its `branches` are main");
  });

  test("only tags that match, with the way to deploy another", async () => {
    const app = await add("patterns", "--tags", "v[0-9]*");
    const { lines } = await app.release("draft", { "index.html": "draft" });
    expect(lines).toEqual([
      "draft does not match the tags that deploy (v[0-9]*); `steppe deploy patterns --tag draft` deploys it",
    ]);
    expect((await steppe.cli("deploy", "patterns", "--tag", "draft")).code).toBe(0);
    expect(await app.text()).toBe("draft");
  });
});

test("a repository that lives elsewhere: its tags are found by polling, and at once when asked", async () => {
  const origin = await GitRepository.init(folder.file("origin"));
  await origin.tag("v1", { "index.html": "one" });
  const url = pathToFileURL(origin.folder).href;
  const app = await add("remote", "--repository", url, "--poll", "1s");
  const serves = (text: string) =>
    until(`the page ${text}`, async () => ((await app.text()) === text ? true : undefined));
  await serves("one");
  await origin.tag("v2", { "index.html": "two" });
  await serves("two");
  await origin.tag("v3", { "index.html": "three" });
  const asked = await steppe.cli("deploy", "remote", "--tag", "v3");
  expect(asked.code, asked.stderr).toBe(0);
  expect(await app.text()).toBe("three");
  const missing = await steppe.cli("deploy", "remote", "--tag", "v4");
  expect(missing.stderr).toContain("deploy remote tag v4: the repository has no such tag [TAG_NOT_FOUND]");
  expect((await steppe.cli("app", "show", app.name, "--push-url")).stderr).toContain("PUSH_REFUSED");
  const address = new URL(`${app.name}.git`, steppe.addresses.git);
  Object.assign(address, { username: "steppe", password: steppe.token });
  const pushed = await origin.tryGit("push", address.href, "HEAD:refs/tags/v5");
  expect(pushed.code).not.toBe(0);
  expect(pushed.stderr).toContain(`remote: push to remote: its repository lives elsewhere, at ${url}`);
});

test("a folder that is built already", async () => {
  const app = await add("folder", "--build", "exit 1");
  const site = folder.file("site");
  mkdirSync(join(site, "sub"), { recursive: true });
  writeFileSync(join(site, "index.html"), "home");
  writeFileSync(join(site, "sub", "index.html"), "sub");
  writeFileSync(join(site, ".hidden"), "hidden");
  const { code, stdout, stderr } = await steppe.cli("deploy", "folder", "--dir", site);
  expect(code, stderr).toBe(0);
  expect(stdout.toString()).toContain(`http://folder.localhost:${new URL(steppe.addresses.http).port}`);
  expect([await app.text(), await app.text("/sub/")]).toEqual(["home", "sub"]);
  expect((await app.get("/.hidden")).status).toBe(404);
});

test("a rollback brings back the domains of its release, and any kept release can be gone to", async () => {
  const app = await add("domains");
  await app.release("v1", { "index.html": "one" });
  mkdirSync(folder.file("apply"));
  writeFileSync(folder.file("apply", "steppe.yaml"), "apps:\n  domains: { domain: other.localhost }\n");
  const applied = await steppe.cliIn(folder.file("apply"), "apply");
  expect(applied.code, applied.stderr).toBe(0);
  expect(applied.stdout.toString()).toContain("domains.localhost → other.localhost");
  const at = async (host: string) => {
    const { status, text } = await steppe.get({ host });
    return status === 200 ? text : status;
  };
  expect([await at("domains.localhost"), await at("other.localhost")]).toEqual([404, "one"]);
  await app.release("v2", { "index.html": "two" });
  expect(await at("other.localhost")).toBe("two");
  const again = await steppe.cliIn(folder.file("apply"), "apply", "--json");
  expect(JSON.parse(again.stdout.toString())).toMatchObject({ deployments: [] });
  const back = await steppe.cli("rollback", "domains", "1");
  expect(back.code, back.stderr).toBe(0);
  expect([await at("domains.localhost"), await at("other.localhost")]).toEqual(["one", 404]);
  expect((await steppe.cli("rollback", "domains", "3")).code).toBe(0);
  expect([await at("domains.localhost"), await at("other.localhost")]).toEqual([404, "two"]);
  const none = await steppe.cli("rollback", "domains", "77");
  expect(none.stderr).toContain("roll back domains to release 77: there is no such release");
  const releases = (await steppe.json("releases", "domains")) as Release[];
  expect(releases.map(({ number, live }) => [number, live])).toEqual([
    [3, true],
    [2, false],
    [1, false],
  ]);
});

describe("files whose names carry a hash", () => {
  const site = (hash: string, page: string) => ({
    "index.html": `<script src="/app.${hash}.js">`,
    [`app.${hash}.js`]: hash,
    [`${page}.0123abcd.html`]: page,
  });

  test("stay reachable after a switch, pages do not, and `app purge` ends it", async () => {
    const app = await add("assets");
    await app.release("v1", site("3f9a1c2b", "old"));
    await app.release("v2", site("77e0d4c8", "new"));
    expect(await app.text("/app.3f9a1c2b.js")).toBe("3f9a1c2b");
    expect(await app.text("/app.77e0d4c8.js")).toBe("77e0d4c8");
    expect((await app.get("/old.0123abcd.html")).status).toBe(404);
    expect((await steppe.cli("app", "purge", "assets")).code).toBe(0);
    expect((await app.get("/app.3f9a1c2b.js")).status).toBe(404);
    expect(await app.text("/app.77e0d4c8.js")).toBe("77e0d4c8");
  });

  test("are gone at once with --no-grace", async () => {
    const app = await add("no-grace", "--no-grace");
    await app.release("v1", site("3f9a1c2b", "old"));
    await app.release("v2", site("77e0d4c8", "new"));
    expect((await app.get("/app.3f9a1c2b.js")).status).toBe(404);
  });

  test("stay reachable although no former release is kept, and are gone after one switch without grace", async () => {
    const app = await add("few", "--keep-releases", "1");
    const gone = async (hash: string): Promise<boolean> => (await app.get(`/app.${hash}.js`)).status === 404;
    await app.release("v1", site("3f9a1c2b", "old"));
    await app.release("v2", site("77e0d4c8", "new"));
    expect((await steppe.cli("gc")).code).toBe(0);
    expect(await app.text("/app.3f9a1c2b.js")).toBe("3f9a1c2b");
    expect((await steppe.cli("rollback", "few", "1", "--no-grace")).code).toBe(0);
    expect(await gone("77e0d4c8")).toBe(true);
    await app.release("v3", site("5b21d0aa", "newer"));
    expect(await gone("3f9a1c2b")).toBe(false);
    expect((await steppe.cli("deploy", "few", "--tag", "v2", "--no-grace")).code).toBe(0);
    expect([await gone("3f9a1c2b"), await gone("5b21d0aa")]).toEqual([true, true]);
    expect((await steppe.cli("gc")).code).toBe(0);
    expect(((await steppe.json("releases", "few")) as Release[]).map(({ live }) => live)).toEqual([true]);
  });
});

test("HTTPS, with a certificate of the local CA for each domain", async () => {
  const app = await add("secure", "--domain", "*.secure.localhost", "--redirect-to-https");
  await app.release("v1", { "index.html": "secure" });
  for (const host of ["secure.localhost", "www.secure.localhost"]) {
    expect((await steppe.getSecurely({ host })).text, host).toBe("secure");
  }
  await expect(steppe.getSecurely({ host: "secure.localhost", ca: "" })).rejects.toThrow(/certificate/);
  const { status, headers } = await app.get("/a?b");
  expect(status).toBe(308);
  expect(headers.location).toBe(`https://secure.localhost:${new URL(steppe.addresses.https).port}/a?b`);
});

async function deployments(app: string): Promise<Deployment[]> {
  return ((await steppe.json("status", app)) as { app: AppView; deployments: Deployment[] }).deployments;
}

/** An annotated tag of HEAD that says it was made at this time, seconds since 1970. */
async function tagAt({ repository }: TestApp, name: string, seconds: number): Promise<void> {
  const commit = await repository.git("rev-parse", "HEAD");
  const tag = `object ${commit}\ntype commit\ntag ${name}\ntagger Test <test@example.com> ${seconds} +0000\n\n${name}\n`;
  await repository.git("update-ref", `refs/tags/${name}`, await repository.gitWithInput(tag, "mktag"));
}
