import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it, type TestContext } from "vitest";
import { peer } from "../../test/support/peers.ts";
import { systemClock } from "../shared/clock.ts";
import { SteppeError } from "../shared/errors.ts";
import { silentLogger } from "../shared/log.ts";
import { Builder } from "./builder.ts";
import { folderTree } from "./folder-tree.ts";
import { MemoryFileStore } from "./memory-file-store.ts";
import type { BuildCommand } from "./run-build.ts";
import { findSandbox, type Sandbox } from "./sandbox.ts";
import { buildUser } from "./build-user.ts";

const isRoot = process.getuid?.() === 0;
const sandboxes: Array<{ name: Sandbox["name"]; missing: string | undefined }> = [];
for (const name of ["bwrap", "unshare"] as const) {
  const missing = await findSandbox(buildUser(), name).then(
    () => undefined,
    (error: SteppeError) => error.message,
  );
  sandboxes.push({ name, missing });
}

function setUp(sandbox: Sandbox["name"], parent = tmpdir()) {
  const root = mkdtempSync(join(parent, "steppe-build-"));
  const data = join(root, "data");
  const folders = {
    data,
    builds: join(data, "builds"),
    cache: join(data, "cache"),
    logs: join(data, "logs", "builds"),
  };
  mkdirSync(folders.builds, { recursive: true });
  chmodSync(data, 0o700);
  writeFileSync(join(data, "token"), "the-secret-token", { mode: 0o600 });
  const source = join(root, "source");
  mkdirSync(source);
  const files = new MemoryFileStore();
  const builder = new Builder({
    folders,
    files,
    knownFiles: { lookup: (_app, oids) => oids.map(() => undefined), remember() {} },
    layers: { compressed: () => undefined, rememberCompressed() {} },
    clock: systemClock,
    log: silentLogger,
    environment: {},
    sandbox,
  });
  let deployment = 0;
  const lines: string[] = [];
  return {
    root,
    data,
    folders,
    files,
    builder,
    lines,
    write(path: string, content: string) {
      mkdirSync(dirname(join(source, path)), { recursive: true });
      writeFileSync(join(source, path), content);
    },
    /** Resolves with the site's files. */
    async build(
      command: string,
      options: Partial<BuildCommand> & { signal?: AbortSignal; onLine?: (line: string) => void } = {},
    ) {
      const { signal = new AbortController().signal, onLine, ...build } = options;
      deployment++;
      lines.length = 0;
      const result = await builder.buildImage({
        app: "blog",
        deployment,
        tag: "v1",
        tree: folderTree(source, "blog@v1"),
        folder: ".",
        build: { command, output: "public", env: {}, cache: [], timeoutMs: 60_000, ...build },
        dockerfile: null,
        progress() {},
        onLine(line) {
          lines.push(line);
          onLine?.(line);
        },
        signal,
      });
      const found: Record<string, string> = {};
      if (result.kind !== "files") throw new Error("it is no site");
      for (const { path, hash } of result.tree) found[path] = (await files.read(hash)).toString();
      return found;
    },
    log: () => readFileSync(builder.log(deployment) ?? "", "utf8"),
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** The processes whose command line holds a word. */
function processesWith(word: string): string[] {
  return readdirSync("/proc").filter((id) => {
    if (!/^\d+$/.test(id)) return false;
    try {
      return readFileSync(`/proc/${id}/cmdline`, "latin1").includes(word);
    } catch {
      return false; // it has ended
    }
  });
}

describe.each(sandboxes)("a build command in $name", ({ name, missing }) => {
  const ready = (context: TestContext): void => {
    if (name === "bwrap") peer(context, "bwrap");
    if (missing !== undefined) context.skip(missing);
  };

  it("makes the site, in a clean checkout and environment", async (context) => {
    ready(context);
    using setup = setUp(name);
    setup.write("page.md", "hello");
    process.env["STEPPE_TOKEN"] = "the-secret-token";
    const site = await setup.build(
      'pwd; env | sort; id; touch "$HOME/x" /tmp/y; mkdir public && cp page.md public/ && echo "$QUOTED" >&2',
      {
        env: { TZ: "Europe/London", QUOTED: 'it\'s $HOME "x"\\', LD_PRELOAD: "" },
      },
    );
    delete process.env["STEPPE_TOKEN"];
    expect(site).toEqual({ "page.md": "hello" });
    const text = setup.log();
    expect(text.split("\n").slice(1, -1)).toEqual(setup.lines.slice(1));
    expect(text).not.toContain("secret");
    for (const line of [
      "/build",
      "CI=true",
      "HOME=/home/build",
      "LANG=C.UTF-8",
      "STEPPE_APP=blog",
      "STEPPE_TAG=v1",
      "TZ=Europe/London",
    ]) {
      expect(setup.lines).toContain(line);
    }
    expect(setup.lines.at(-1)).toBe('it\'s $HOME "x"\\');
    const names = setup.lines.flatMap((line) => /^([A-Z_]+)=/.exec(line)?.[1] ?? []);
    expect(names.filter((one) => !["OLDPWD", "PWD", "SHLVL", "_"].includes(one))).toEqual([
      "CI",
      "HOME",
      "LANG",
      "LD_PRELOAD",
      "PATH",
      "QUOTED",
      "STEPPE_APP",
      "STEPPE_TAG",
      "TMPDIR",
      "TZ",
    ]);
    if (isRoot) expect(text).toMatch(/uid=(?!0\b)\d+\S* gid=(?!0\b)\d+\S* groups=(?!0\b)\d+\S*\n/);
    expect(readdirSync(setup.folders.builds)).toEqual([]);
  });

  it("sees neither the data folder, nor homes, nor other processes, and cannot write the system", async (context) => {
    ready(context);
    using setup = setUp(name);
    const id = process.pid;
    const tries = [
      `cat ${setup.data}/token`,
      `ls ${setup.data}`,
      `ls ${setup.root}`,
      `ls -A /root`,
      `ls -A /home/build/..  | grep -v '^build$'`,
      `cat /proc/${id}/environ`,
      `cat /proc/${id}/mem`,
      `ls /proc/${id}/root/`,
      `cat /etc/shadow`,
      `touch /etc/x`,
      `touch /usr/x`,
      `umount -l /proc`,
      `umount -l /build`,
      `mount -t tmpfs x /tmp`,
      `unshare -Urm umount -l /usr`,
      `kill -0 ${id}`,
      `ls /run/docker.sock`,
      `mknod /tmp/disk b 254 0`,
      `head -c1 /dev/vda`,
    ];
    const command = tries.map((line, index) => `if (${line}) 2>/dev/null; then echo "broken: ${index}"; fi`).join("\n");
    await setup.build(`${command}\nls -d /proc/[0-9]* | wc -l\nmkdir public; echo x > public/x`);
    expect(setup.lines.filter((line) => line.startsWith("broken"))).toEqual([]);
    expect(setup.log()).not.toContain("the-secret-token");
    expect(Number(setup.lines.at(-1))).toBeLessThan(12);
    expect(existsSync("/usr/x") || existsSync("/etc/x")).toBe(false);
  });

  it("that lies in a system folder still does not show the data folder", async (context) => {
    ready(context);
    if (!isRoot) context.skip("needs root, to write in /opt");
    using setup = setUp(name, "/opt");
    chmodSync(setup.root, 0o755);
    chmodSync(setup.data, 0o755);
    chmodSync(join(setup.data, "token"), 0o644);
    await setup.build(`cat ${setup.data}/token; ls -A ${setup.data}; mkdir public; echo x > public/x`);
    expect(setup.log()).not.toContain("the-secret-token");
    expect(setup.lines.some((line) => line.includes("token: No such file"))).toBe(true);
  });

  it("that fails says with what, and its last lines", async (context) => {
    ready(context);
    using setup = setUp(name);
    const failure = setup.build('for i in $(seq 30); do echo "line $i"; done; echo oops >&2; exit 7');
    await expect(failure).rejects.toMatchObject({
      code: "BUILD_FAILED",
      subject: "blog@v1",
      reason: "the command exited with 7",
      detail: expect.stringMatching(/^line 12\n[^]*line 30\noops$/),
    });
    expect(setup.log()).toContain("line 1\n");
    await expect(setup.build("kill -SEGV $$")).rejects.toMatchObject({ code: "BUILD_FAILED" });
    await expect(setup.build("true")).rejects.toMatchObject({ code: "FOLDER_MISSING" });
    await expect(setup.build("mkdir public")).rejects.toMatchObject({ code: "SITE_EMPTY" });
    await expect(setup.build("ln -s /etc public")).rejects.toMatchObject({ code: "LINK_OUTSIDE" });
    await expect(setup.build("mkdir public; ln -s /etc/passwd public/x")).rejects.toMatchObject({
      code: "LINK_OUTSIDE",
    });
    await expect(setup.build("true", { env: { "A B": "x" } })).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    expect(readdirSync(setup.folders.builds)).toEqual([]);
    expect(setup.files.contents.size).toBe(0);
  });

  it("is ended with all that it started: by its time limit, by a cancel, and when it is done", async (context) => {
    ready(context);
    using setup = setUp(name);
    const word = (what: string): string => `98765.${what}${process.pid}`;
    const start = (what: string): string => `setsid nohup sleep ${word(what)} & trap "" TERM; sleep ${word(what)} &`;
    await expect(setup.build(`${start("1")} wait`, { timeoutMs: 300 })).rejects.toMatchObject({
      code: "BUILD_TIMEOUT",
      reason: "the command did not end within 0.3 s",
    });
    expect(processesWith(word("1"))).toEqual([]);
    const stop = new AbortController();
    const cancelled = setup.build(`${start("2")} echo ready; wait`, {
      signal: stop.signal,
      onLine: (line) => {
        if (line === "ready")
          stop.abort(
            new SteppeError("DEPLOYMENT_SUPERSEDED", { operation: "deploy", subject: "blog@v1", cause: "v2 came" }),
          );
      },
    });
    await expect(cancelled).rejects.toMatchObject({ code: "DEPLOYMENT_SUPERSEDED" });
    expect(processesWith(word("2"))).toEqual([]);
    await setup.build(`${start("3")} mkdir public; echo x > public/x`);
    expect(processesWith(word("3"))).toEqual([]);
    expect(readdirSync(setup.folders.builds)).toEqual([]);
  });

  it("has cache folders, which a failed build does not ruin", async (context) => {
    ready(context);
    using setup = setUp(name);
    const cache = ["node_modules", ".cache/deep"];
    const command =
      'cat node_modules/n .cache/deep/n; mkdir -p public .cache/deep node_modules; echo "$N" >> node_modules/n; echo "$N" > .cache/deep/n; cp node_modules/n public/; exit ${EXIT:-0}';
    await setup.build(command, { cache, env: { N: "1" } });
    await expect(
      setup.build(`rm -r node_modules/n; ${command}`, { cache, env: { N: "2", EXIT: "1" } }),
    ).rejects.toThrow();
    expect(await setup.build(command, { cache, env: { N: "3" } })).toEqual({ n: "1\n3\n" });
    expect(readdirSync(join(setup.folders.cache, "blog")).sort()).toEqual([".cache%2Fdeep", "node_modules"]);
    await setup.build("rm -r node_modules; ln -s /etc node_modules; mkdir public; echo x > public/x", { cache });
    expect(await setup.build(command, { cache, env: { N: "4" } })).toEqual({ n: "1\n3\n4\n" });
    setup.write("node_modules/x", "x");
    await expect(setup.build(command, { cache })).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    await expect(setup.build(command, { cache: ["../x"] })).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });

  it("that fills the disk says so, and leaves nothing", async (context) => {
    ready(context);
    if (!isRoot) context.skip("needs root, to mount a small disk");
    const mount = mkdtempSync(join(tmpdir(), "steppe-small-"));
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", mount]);
    try {
      using setup = setUp(name, mount);
      await expect(setup.build("mkdir public; head -c 20000000 /dev/zero > public/x")).rejects.toMatchObject({
        code: "DISK_FULL",
        reason: expect.stringContaining("the disk is full"),
      });
      expect(readdirSync(setup.folders.builds)).toEqual([]);
      await expect(setup.build("head -c 20000000 /dev/zero > /tmp/x || exit 3")).rejects.toMatchObject({
        code: "DISK_FULL",
      });
      expect(await setup.build("mkdir public; echo x > public/x")).toEqual({ x: "x\n" });
    } finally {
      execFileSync("umount", [mount]);
      rmSync(mount, { recursive: true });
    }
  });

  it("may leave folders that nobody may write", async (context) => {
    ready(context);
    using setup = setUp(name);
    await setup.build("mkdir -p public ro/a; echo x > public/x; echo y > ro/a/y; chmod -R a-w ro");
    expect(readdirSync(setup.folders.builds)).toEqual([]);
  });

  it("builds a Jekyll site", async (context) => {
    ready(context);
    peer(context, "jekyll");
    using setup = setUp(name);
    setup.write("_config.yml", "title: Notes\n");
    setup.write("_layouts/default.html", "<title>{{ site.title }}</title>{{ content }}");
    setup.write("index.md", "---\nlayout: default\n---\n# Hello\n\n{{ site.time | date: '%Z' }}\n");
    const site = await setup.build("jekyll build", { output: "_site", env: { TZ: "Europe/London" } });
    expect(Object.keys(site)).toEqual(["index.html"]);
    expect(site["index.html"]).toMatch(/<title>Notes<\/title><h1 id="hello">Hello<\/h1>\s*<p>(GMT|BST)<\/p>/);
  });

  it("builds a Hugo site", async (context) => {
    ready(context);
    peer(context, "hugo");
    using setup = setUp(name);
    setup.write(
      "config.toml",
      'title = "Notes"\nbaseURL = "https://notes.test/"\ndisableKinds = ["term", "RSS", "sitemap", "404"]\nignoreErrors = ["error-disable-taxonomy"]\n',
    );
    setup.write(
      "layouts/index.html",
      "<h1>{{ .Site.Title }}</h1>{{ range .Site.RegularPages }}{{ .Content }}{{ end }}",
    );
    setup.write("layouts/_default/single.html", "{{ .Content }}");
    setup.write("content/one.md", "---\ntitle: One\n---\n*one*\n");
    const site = await setup.build("hugo --minify", { cache: [".cache"], env: { HUGO_CACHEDIR: "/build/.cache" } });
    expect(Object.keys(site)).toContain("one/index.html");
    expect(site["index.html"]).toContain("<em>one</em>");
  });
});

describe("at start", () => {
  it("what a crash left is removed, and cache folders are put right", async () => {
    using setup = setUp("bwrap");
    const cache = join(setup.folders.cache, "blog");
    for (const name of ["a@old", "b@new", "b", "c", "c@old", "d.old", "d.new"])
      mkdirSync(join(cache, name), { recursive: true });
    mkdirSync(join(setup.folders.builds, "17", "checkout"), { recursive: true });
    symlinkSync("/etc", join(setup.folders.builds, "17", "checkout", "x"));
    await setup.builder.reconcile();
    expect(readdirSync(setup.folders.builds)).toEqual([]);
    expect(readdirSync(cache).sort()).toEqual(["a", "b", "c", "d.new", "d.old"]); // the app's own `.old` and `.new` stay
    expect(statSync("/etc").isDirectory()).toBe(true);
    await setup.builder.forgetCaches("blog");
    expect(existsSync(cache)).toBe(false);
  });
});
