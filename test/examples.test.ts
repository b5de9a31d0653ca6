import { cpSync, globSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { AppView } from "../src/api/types.ts";
import { GitRepository } from "./support/git-repository.ts";
import { peer, type PeerName } from "./support/peers.ts";
import { type RunningSteppe, startSteppe } from "./support/steppe.ts";
import { temporaryFolder } from "./support/temporary-folder.ts";

const examples = fileURLToPath(new URL("../examples", import.meta.url));

interface Example {
  name: string;
  /** The program that its build command wants. */
  needs?: PeerName;
  /** Paths, and what their pages hold. */
  pages: Readonly<Record<string, string | RegExp>>;
  /** A path that does not exist, and what its page holds. */
  missing?: string;
  /** The folder that its builds keep. */
  cache?: string;
}

const table: readonly Example[] = [
  { name: "hello", pages: { "/": "It is live", "/assets/style.7c1e94b2.css": "--grass" }, missing: "Only grass here" },
  { name: "static", pages: { "/": "A folder that is a site", "/about/": "<h1>About</h1>" } },
  {
    name: "jekyll",
    needs: "jekyll",
    // `build.env` names the environment and the time zone
    pages: { "/": /\d\d:\d\d (GMT|BST) for production/, "/feather-grass/": "<em>Stipa</em>" },
    cache: ".jekyll-cache",
  },
  {
    name: "hugo",
    needs: "hugo",
    pages: { "/": "/css/main.min.", "/posts/great-bustard/": "<strong>18 kg</strong>" },
    missing: "No such bird",
    cache: "resources",
  },
];

let steppe: RunningSteppe;

beforeAll(async () => {
  steppe = await startSteppe();
}, 90_000);

afterAll(async () => {
  await steppe?.stop();
});

test("every example is in the table", () => {
  const folders = globSync("*/steppe.yaml", { cwd: examples }).map((path) => basename(dirname(path)));
  expect(table.map(({ name }) => name).sort()).toEqual(folders.sort());
});

for (const { name, needs, ...seen } of table) {
  test(`${name} is applied, pushed and served`, { timeout: 120_000 }, async (context) => {
    if (needs !== undefined) peer(context, needs);
    await deployAndLook(name, seen);
  });
}

async function deployAndLook(name: string, { pages, missing, cache }: Omit<Example, "name" | "needs">): Promise<void> {
  using folder = temporaryFolder(name);
  cpSync(join(examples, name), folder.path, { recursive: true });
  const applied = await steppe.cliIn(folder.path, "apply");
  expect(applied.stderr + applied.stdout.toString(), "steppe apply").toContain(name);
  expect(applied.code).toBe(0);
  const site = await GitRepository.init(folder.path);
  await site.tag("v1");
  const app = (await steppe.json("app", "show", name)) as AppView;
  const pushed = await site.tryGit("push", app.pushUrl ?? "", "v1");
  expect(pushed).toMatchObject({ code: 0 });
  const host = `${name}.localhost`;
  for (const [path, text] of Object.entries(pages)) {
    const answer = await steppe.get({ host, path });
    expect(answer, `${path}: ${pushed.stderr}`).toMatchObject({ status: 200 });
    expect(answer.text).toMatch(text);
    expect((await steppe.getSecurely({ host, path })).body).toEqual(answer.body);
  }
  const nowhere = await steppe.get({ host, path: "/no/such/page" });
  expect(nowhere.status).toBe(404);
  if (missing !== undefined) expect(nowhere.text).toContain(missing);
  for (const hidden of ["/steppe.yaml", "/.git/HEAD", "/NOTES.md"]) {
    expect((await steppe.get({ host, path: hidden })).status, hidden).toBe(404);
  }
  if (cache === undefined) return;
  expect(readdirSync(join(steppe.data, "cache", name), { recursive: true }).join(" ")).toMatch(/\w\/\w/);
  await site.tag("v2");
  expect((await site.tryGit("push", app.pushUrl ?? "", "v2")).stderr, "a build that begins with a cache").toContain(
    "  live",
  );
}
