import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname } from "node:path";
import { expect, test, type TestContext } from "vitest";
import { writeImage } from "../scripts/site-server/oci-image.ts";
import { STATIC_BASE } from "../src/images/index.ts";
import { runCommand } from "../src/shared/run-command.ts";
import { startDocker } from "./support/docker-daemon.ts";
import { startDockerRegistry } from "./support/docker-registry.ts";
import { httpGet } from "./support/http-get.ts";
import { nativeBinary } from "./support/native-server.ts";
import { peer } from "./support/peers.ts";
import { steppeProgram } from "./support/steppe.ts";
import { type TemporaryFolder, temporaryFolder } from "./support/temporary-folder.ts";

interface Built {
  image: string;
  platforms: string[];
  files: number;
  layers: { site: number; made: number };
  pushed: { bytes: number; blobs: { there: number; mounted: number; uploaded: number } } | null;
}

async function run(file: string, args: readonly string[], folder: TemporaryFolder): Promise<string> {
  const env = { PATH: process.env["PATH"] ?? "", HOME: folder.file("home"), DOCKER_CONFIG: folder.file("docker") };
  const { code, stdout, stderr } = await runCommand({ file, args, env });
  expect(code, stderr).toBe(0);
  return stdout.toString();
}

async function steppeBuild(folder: TemporaryFolder, ...args: string[]): Promise<Built> {
  return JSON.parse(await run(steppeProgram, ["build", folder.file("site"), "--json", ...args], folder)) as Built;
}

/** A site of some layers, and a base for two machines that is no program but for this one. */
async function prepare(context: TestContext, pages = 600): Promise<TemporaryFolder> {
  const folder = temporaryFolder("image-build");
  const content = readFileSync(await nativeBinary(context));
  writeImage(
    folder.file("base"),
    [
      { architecture: "amd64", content },
      { architecture: "arm64", content: Buffer.from("for another machine") },
    ],
    "1.2.3",
  );
  write(folder, "index.html", "hello\n");
  write(folder, "docs/index.html", "docs\n");
  write(folder, ".hidden", "not for visitors");
  write(folder, "Ünïcödé/🦊.html", "fox");
  for (let i = 0; i < pages; i++) write(folder, `section-${i % 30}/page-${i}.html`, `page ${i} `.repeat(400));
  return folder;
}

function write(folder: TemporaryFolder, path: string, text: string): void {
  mkdirSync(dirname(folder.file("site", path)), { recursive: true });
  writeFileSync(folder.file("site", path), text);
}

test("what is built is an image to skopeo and umoci, the same each time", { timeout: 120_000 }, async (context) => {
  const [skopeo, umoci] = [peer(context, "skopeo"), peer(context, "umoci")];
  using folder = await prepare(context);
  const base = ["--base", `oci:${folder.file("base")}`, "--tag", "registry.example.com/team/site:v1"];
  const layout = folder.file("layout");
  const built = await steppeBuild(folder, ...base, "--output", `oci:${layout}`);
  expect(built).toMatchObject({ platforms: ["linux/amd64", "linux/arm64"], files: 603 });
  expect(built.layers.made).toBe(built.layers.site);
  const again = await steppeBuild(folder, ...base, "--output", `oci:${folder.file("again")}`);
  expect({ ...again, layers: null, output: null }).toEqual({ ...built, layers: null, output: null });
  expect(readdirSync(folder.file("again/blobs/sha256"))).toEqual(readdirSync(folder.file("layout/blobs/sha256")));

  expect(JSON.parse(await run(skopeo, ["inspect", `oci:${layout}:v1`], folder))).toMatchObject({
    Architecture: "amd64",
    Created: null,
    Labels: { [STATIC_BASE.label]: "/www" },
  });
  await run(
    skopeo,
    ["--insecure-policy", "copy", "--all", `oci:${layout}:v1`, `oci:${folder.file("copy")}:v1`],
    folder,
  );
  // umoci takes no index of several platforms.
  const one = folder.file("one");
  await steppeBuild(folder, ...base, "--platform", "linux/amd64", "--output", `oci:${one}`);
  await run(umoci, ["unpack", "--rootless", "--image", `${one}:v1`, folder.file("bundle")], folder);
  const rootfs = folder.file("bundle/rootfs");
  expect(readdirSync(rootfs).sort()).toEqual(["steppe-static", "www"]);
  expect(readFileSync(folder.file("bundle/rootfs/www/Ünïcödé/🦊.html"), "utf8")).toBe("fox");
  expect(readdirSync(folder.file("bundle/rootfs/www"))).not.toContain(".hidden");
  expect(readFileSync(folder.file("bundle/rootfs/www/section-9/page-9.html"), "utf8")).toBe("page 9 ".repeat(400));

  const zstd = await steppeBuild(folder, ...base, "--compress", "zstd", "--output", folder.file("zstd.tar"));
  const decompress = ["--insecure-policy", "copy", "--dest-decompress", `oci-archive:${folder.file("zstd.tar")}:v1`];
  await run(skopeo, [...decompress, `dir:${folder.file("unpacked")}`], folder);
  expect(zstd.layers.made).toBe(zstd.layers.site);
});

test("a push sends what the registry has not yet, and no more", { timeout: 120_000 }, async (context) => {
  const skopeo = peer(context, "skopeo");
  using folder = await prepare(context);
  await using registry = await startDockerRegistry(context);
  const source = `oci:${folder.file("base")}:1.2.3`;
  const docker = `docker://${registry.host}`;
  const copy = ["--insecure-policy", "copy", "--all", "--dest-tls-verify=false", source, `${docker}/steppe/static:1`];
  await run(skopeo, copy, folder);
  const target = ["--base", `${registry.host}/steppe/static:1`, "--tag", `${registry.host}/team/site:v1`, "--push"];

  const first = await steppeBuild(folder, ...target);
  // One base layer for each of two machines; a config for each.
  expect(first.pushed?.blobs).toEqual({ there: 0, mounted: 2, uploaded: first.layers.site + 2 });
  const nothing = await steppeBuild(folder, ...target);
  expect(nothing).toMatchObject({
    image: first.image,
    layers: { made: 0 },
    pushed: { bytes: 0, blobs: { uploaded: 0 } },
  });
  write(folder, "section-3/page-3.html", "changed");
  const second = await steppeBuild(folder, ...target);
  expect(second).toMatchObject({ layers: { made: 1 }, pushed: { blobs: { mounted: 0, uploaded: 3 } } });
  expect(second.pushed?.bytes).toBeLessThan((first.pushed?.bytes ?? 0) / 4);

  const inspect = ["inspect", "--tls-verify=false", `${docker}/team/site:v1`];
  expect(JSON.parse(await run(skopeo, inspect, folder))).toMatchObject({ Digest: second.image, RepoTags: ["v1"] });
  const all = ["--insecure-policy", "copy", "--all", "--src-tls-verify=false"];
  await run(skopeo, [...all, `${docker}/team/site:v1`, `oci:${folder.file("pulled")}:v1`], folder);
});

test("docker loads it and runs it, confined, also with compressed forms", { timeout: 120_000 }, async (context) => {
  using folder = await prepare(context, 20);
  await using docker = await startDocker(context);
  const options = ["--base", `oci:${folder.file("base")}`, "--tag", "site:v1", "--precompress"];
  await steppeBuild(folder, ...options, "--output", folder.file("site.tar"));
  expect(await docker.docker("load", "--input", folder.file("site.tar"))).toContain("site:v1");

  const port = await freePort();
  const confined = ["--read-only", "--user", "65534", "--cap-drop", "ALL", "--memory", "6m"];
  const place = ["--network", "host", "--env", `NOMAD_PORT_http=${port}`];
  const id = await docker.docker("run", "--detach", ...confined, ...place, "site:v1");
  const get = (path: string, headers: Record<string, string> = {}) =>
    httpGet(`http://127.0.0.1:${port}`, { host: "site.test", path, headers });
  await expect.poll(async () => (await get("/health")).status, { timeout: 10_000 }).toBe(204);
  expect(await get("/docs/")).toMatchObject({ status: 200, text: "docs\n" });
  const page = await get("/section-9/page-9.html", { "accept-encoding": "br" });
  expect(page).toMatchObject({ status: 200, headers: { "content-encoding": "br" } });
  await docker.docker("stop", id);
});

test("Ctrl-C leaves nothing half-done", { timeout: 60_000 }, async (context) => {
  using folder = await prepare(context);
  const before = readdirSync(folder.path);
  // A registry that takes connections and never answers.
  const silent = createServer();
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const port = (silent.address() as { port: number }).port;
  const interrupt = new AbortController();
  silent.on("connection", (socket) => {
    interrupt.abort(new Error("interrupted"));
    socket.on("error", () => {}).resume(); // its other end is gone
  });
  const target = ["--base", `oci:${folder.file("base")}`, "--tag", `127.0.0.1:${port}/site:v1`, "--push"];
  const output = ["--output", `oci:${folder.file("layout")}`];
  const env = { PATH: process.env["PATH"] ?? "", HOME: folder.file("home") };
  const args = ["build", folder.file("site"), ...target, ...output];
  await expect(
    runCommand({ file: steppeProgram, args, env }, { signal: interrupt.signal, graceMs: 20_000 }),
  ).rejects.toThrow("interrupted");
  await new Promise((resolve) => silent.close(resolve));
  const after = readdirSync(folder.path, { recursive: true, encoding: "utf8" });
  expect(after.filter((name) => name.endsWith(".tmp"))).toEqual([]);
  const isWhole = after.includes("layout") === after.includes("layout/index.json");
  expect([readdirSync(folder.path).filter((name) => name !== "layout" && name !== "home"), isWhole]).toEqual([
    before,
    true,
  ]);
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
