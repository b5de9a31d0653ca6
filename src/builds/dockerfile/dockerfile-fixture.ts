import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { TestContext } from "vitest";
import { baseTarball } from "../../../test/support/base-image.ts";
import { type DockerDaemon, startDocker } from "../../../test/support/docker-daemon.ts";
import { peer } from "../../../test/support/peers.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { testDockerfile } from "../../../test/support/test-definition.ts";
import type { DockerfileDefinition } from "../../config/index.ts";
import type { OpenImage } from "../../images/index.ts";
import { FakeClock } from "../../shared/clock.ts";
import { silentLogger } from "../../shared/log.ts";
import { folderTree } from "../folder-tree.ts";
import type { ToolKind } from "./build-plan.ts";
import { DockerfileBuilder } from "./dockerfile-builder.ts";

/** Debian's, and no other docker of this machine. */
const PROGRAMS = "/usr/sbin:/usr/bin:/sbin:/bin";

/** A builder with one tool, in which `base:1` can be built on. */
export interface BuilderFixture extends AsyncDisposable {
  builder: DockerfileBuilder;
  clock: FakeClock;
  daemon: DockerDaemon | undefined;
  folders: { data: string; builds: string; cache: string; logs: string };
  lines: string[];
  /** The environment that Steppe has. */
  environment: Record<string, string>;
  write(files: Readonly<Record<string, string | Buffer>>): void;
  build(change?: Partial<DockerfileDefinition>, options?: BuildOptions): Promise<OpenImage>;
  log(): string;
  /** A second builder on the same folders, as after a crash. */
  again(): DockerfileBuilder;
  /** Runs buildah on the storage of the builder. */
  buildah(...args: string[]): string;
}

export interface FixtureOptions {
  /** Other bounds of what is kept for builds. */
  cacheBounds?: { bytes: number; age: number };
  /** Another bound of an image's bytes. */
  imageBytes?: number;
  /** What the tool stores is on a disk of this size, in the words of tmpfs: `100m`. */
  disk?: string;
}

export interface BuildOptions {
  app?: string;
  tag?: string;
  signal?: AbortSignal;
  onLine?: (line: string) => void;
}

/** Starts what the tool needs; skips the test if it is missing. */
export async function openBuilder(
  context: TestContext,
  tool: ToolKind,
  { disk, ...options }: FixtureOptions = {},
): Promise<BuilderFixture> {
  await using stack = new AsyncDisposableStack();
  const root = stack.use(temporaryFolder("dockerfile"));
  const data = root.file("data");
  const folders = { data, builds: join(data, "builds"), cache: join(data, "cache"), logs: join(data, "logs") };
  for (const folder of [folders.builds, folders.cache, root.file("source")]) mkdirSync(folder, { recursive: true });
  using base = await baseTarball();
  const onDisk = disk === undefined ? {} : { disk };
  const daemon = tool === "buildah" ? undefined : stack.use(await startDocker(context, { network: "own", ...onDisk }));
  const environment: Record<string, string> = { PATH: PROGRAMS, HOME: root.file("home") };
  const storage = join(folders.cache, "@buildah");
  const places = ["--root", join(storage, "root"), "--runroot", join(storage, "run")];
  const buildah = (...args: string[]): string => {
    const { status, stderr, stdout } = spawnSync("buildah", [...places, ...args], { env: environment });
    if (status !== 0) throw new Error(`buildah ${args.join(" ")}: ${stderr.toString()}`);
    return stdout.toString().trim();
  };
  if (daemon === undefined) {
    peer(context, "buildah");
    if (process.getuid?.() !== 0) context.skip("needs root, for buildah without user namespaces");
    if (disk !== undefined) stack.use(mountDisk(context, folders.cache, disk));
    importBase(buildah, base.path);
    stack.defer(() => void buildah("rmi", "--all", "--force"));
  } else {
    environment["DOCKER_HOST"] = daemon.host;
    await daemon.docker("import", base.path, "base:1");
  }
  const clock = new FakeClock();
  const make = (): DockerfileBuilder =>
    new DockerfileBuilder({
      folders,
      layers: { compressed: () => undefined, rememberCompressed() {} },
      environment,
      clock,
      log: silentLogger,
      tool,
      ...options,
    });
  const builder = make();
  const lines: string[] = [];
  let deployment = 0;
  const resources = stack.move();
  return {
    builder,
    clock,
    daemon,
    folders,
    lines,
    environment,
    buildah,
    again: make,
    write(files) {
      for (const [path, content] of Object.entries(files)) {
        mkdirSync(dirname(root.file("source", path)), { recursive: true });
        writeFileSync(root.file("source", path), content);
      }
    },
    build(change = {}, { app = "blog", tag = "v1", signal = new AbortController().signal, onLine } = {}) {
      deployment++;
      lines.length = 0;
      return builder.build({
        app,
        deployment,
        tag,
        tree: folderTree(root.file("source"), `${app}@${tag}`),
        dockerfile: { ...testDockerfile, timeoutMs: 120_000, ...change },
        progress() {},
        onLine(line) {
          lines.push(line);
          onLine?.(line);
        },
        signal,
      });
    },
    log: () => readFileSync(join(folders.logs, `${deployment}.log`), "utf8"),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

function importBase(buildah: BuilderFixture["buildah"], archive: string): void {
  const container = buildah("from", "scratch");
  buildah("add", "--quiet", container, archive);
  buildah("commit", "--quiet", container, "base:1");
  buildah("rm", container);
}

/** Mounts a disk of its own on a folder, if this machine lets us. */
function mountDisk(context: TestContext, folder: string, size: string): Disposable {
  const { status } = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "none", folder]);
  if (status !== 0) context.skip("this machine does not let root mount a tmpfs");
  return { [Symbol.dispose]: () => void execFileSync("umount", ["--recursive", folder]) };
}

/** The files of an image by path, from the layers as they come, and what its config says. */
export async function readImage(
  image: OpenImage,
): Promise<{ files: Record<string, string>; labels: Record<string, string>; config: string }> {
  using folder = temporaryFolder("layers");
  for (const [index, layer] of image.layers.entries()) {
    const pieces: Buffer[] = [];
    for await (const piece of layer.content()) pieces.push(piece);
    writeFileSync(folder.file(`${index}.tar`), Buffer.concat(pieces));
    mkdirSync(folder.file("root"), { recursive: true });
    execFileSync("tar", ["-xf", folder.file(`${index}.tar`), "-C", folder.file("root")]);
  }
  const files: Record<string, string> = {};
  const found = existsSync(folder.file("root"))
    ? readdirSync(folder.file("root"), { recursive: true, withFileTypes: true })
    : [];
  for (const entry of found) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) files[path.slice(folder.file("root").length)] = readFileSync(path, "latin1");
  }
  const config = image.config.toString();
  const parsed = JSON.parse(config) as { config?: { Labels?: Record<string, string> } };
  return { files, labels: parsed.config?.Labels ?? {}, config };
}

/** Bytes that the tool has on its disk, whoever they are of. */
export async function diskUse({ daemon, folders, environment }: BuilderFixture): Promise<number> {
  const folder = daemon?.folder ?? join(folders.cache, "@buildah");
  const out = execFileSync("du", ["-s", "-B1", folder], { env: environment, stdio: ["ignore", "pipe", "ignore"] });
  return Number.parseInt(out.toString(), 10);
}
