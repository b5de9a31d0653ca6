import { existsSync, statSync } from "node:fs";
import { basename, isAbsolute, join, resolve } from "node:path";
import { FolderMemory, folderTree, importTree } from "../builds/index.ts";
import {
  buildImage,
  type Compression,
  formatPlatform,
  formatReference,
  type ImageBuild,
  type ImageFacts,
  type ImageOutput,
  type ImageReference,
  LayerCache,
  layoutBase,
  openBase,
  openRegistryClient,
  parsePlatform,
  parseReference,
  parseRegistry,
  type Platform,
  registryBase,
  type RegistryClient,
} from "../images/writer/index.ts";
import { SteppeError } from "../shared/errors.ts";
import type { Context } from "./context.ts";
import { gitOrigin } from "./git-origin.ts";
import { count, formatBytes } from "./human.ts";
import { Progress } from "./progress.ts";
import { usageError } from "./usage-error.ts";

/** The options of `steppe build`. */
export interface BuildOptions {
  base: string;
  tag?: string;
  push?: boolean;
  output?: string;
  platform?: string[];
  compress: string;
  precompress?: boolean;
  label?: string[];
  insecureRegistry?: string[];
  json?: boolean;
}

const STATIC = "steppe/static";
const COMPRESSIONS: readonly Compression[] = ["gzip", "zstd", "none"];
const OCI = "org.opencontainers.image.";

/** Makes an image of a folder, and pushes or writes it. Throws USAGE, and what `buildImage` throws. */
export async function buildFolder(context: Context, folder: string, options: BuildOptions): Promise<void> {
  const { io } = context;
  const path = resolve(io.cwd, folder);
  checkFolder(path, folder);
  const output = outputOf(io.cwd, options);
  const reference = referenceOf(options);
  const progress = new Progress(io.stderr);
  using client = await openClient(context, options);
  const caches = cachesOf(io);
  const cache = new LayerCache(join(caches, "layers.json"));
  const memory = new FolderMemory(join(caches, "folders"), path);
  const compression = compressionOf(options);
  const facts = factsOf(context, path, options);
  let sent = 0;
  const building = buildImage({
    readSite: (files) =>
      importTree({
        app: "",
        tree: folderTree(path, folder, { now: io.clock.now() }),
        folder: ".",
        files,
        knownFiles: memory,
        onKnown: (file, read) => files.later(file, read),
        progress: () => {},
        signal: io.signal,
      }),
    base: chooseBase(context, client, options),
    facts,
    reference,
    client: options.push === true ? client : null,
    output,
    compression,
    precompress: options.precompress === true,
    cache,
    onBlob: (_, size, outcome) => {
      if (outcome !== "uploaded") return;
      sent += size;
      // For who watches; a log is told the sum at the end.
      if (io.stderr.isTTY) void progress.passing(`pushing: ${formatBytes(sent)} sent`);
    },
    signal: io.signal,
  });
  try {
    await building;
  } catch (error) {
    if (error instanceof SteppeError && error.code === "CONTENT_CORRUPT") memory.forget();
    throw error;
  } finally {
    await progress.end();
    await save(context, cache, "makes all layers anew");
    await save(context, memory, "reads all files");
  }
  await report(context, await building, { reference, options });
}

function checkFolder(path: string, given: string): void {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats?.isDirectory() === true) return;
  const cause = stats === undefined ? "it does not exist" : "it is no folder";
  throw new SteppeError("FOLDER_MISSING", {
    operation: "build",
    subject: given,
    cause,
    hint: "Give the folder that holds the site.",
  });
}

/** Where the user's programs keep what may be lost. https://specifications.freedesktop.org/basedir-spec/latest/ */
function cachesOf({ env, home }: Context["io"]): string {
  const folder = env["XDG_CACHE_HOME"] ?? "";
  return join(isAbsolute(folder) ? folder : join(home, ".cache"), "steppe");
}

/** What is remembered saves time; that it could not be written is no failure of the build. */
async function save(context: Context, cache: { save(): void }, loss: string): Promise<void> {
  try {
    cache.save();
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    await context.note(`note: the next build ${loss}, since that could not be remembered: ${cause}`);
  }
}

async function report(
  context: Context,
  { digest, platforms, files, bytes, layers, pushed }: ImageBuild,
  { reference, options }: { reference: ImageReference; options: BuildOptions },
): Promise<void> {
  const name = formatReference({ ...reference, digest });
  const machines = platforms.map(formatPlatform);
  if (options.json === true) {
    const { output = null } = options;
    return await context.printJson({
      image: digest,
      reference: formatReference(reference),
      platforms: machines,
      files,
      bytes,
      layers,
      pushed: pushed && { bytes: pushed.bytes, blobs: pushed.blobs },
      output,
    });
  }
  const lines = [
    name,
    `${count(files, "file")}, ${formatBytes(bytes)}, in ${count(layers.site, "layer")}, ${layers.made} of them made anew; for ${machines.join(", ")}`,
  ];
  if (pushed !== null) {
    const { uploaded, mounted, there } = pushed.blobs;
    lines.push(`Pushed ${formatBytes(pushed.bytes)} in ${count(uploaded, "blob")}; ${there + mounted} were there.`);
  }
  if (options.output !== undefined) lines.push(`Written to ${options.output}`);
  await context.print(lines.join("\n"));
}

function openClient({ io }: Context, { insecureRegistry = [] }: BuildOptions): Promise<RegistryClient> {
  const env: Record<string, string> = { HOME: io.home };
  for (const [name, value] of Object.entries(io.env)) if (value !== undefined) env[name] = value;
  const insecure = new Set(insecureRegistry.map((host) => parseRegistry(host)));
  return openRegistryClient({ env, insecure, clock: io.clock });
}

/** The base by its name. `steppe/static` is what this clone or package has built, if it has. */
async function chooseBase({ io }: Context, client: RegistryClient, { base, platform }: BuildOptions) {
  const platforms = platform === undefined ? null : platform.map((text) => platformOf(text));
  if (base.startsWith("oci:")) return await openBase(layoutBase(resolve(io.cwd, base.slice(4))), platforms);
  const isStatic = base === STATIC;
  const layout = join(io.packageRoot, "dist/site-server/oci");
  if (isStatic && existsSync(join(layout, "index.json"))) {
    return await openBase(layoutBase(layout), platforms);
  }
  const source = registryBase(client, parseReference(base), io.signal);
  try {
    return await openBase(source, platforms);
  } catch (error) {
    if (!isStatic || !(error instanceof SteppeError)) throw error;
    const hint =
      "Make it with `npm run build:site-server` in a clone of Steppe, or name a copy of it: `--base registry.example.com/steppe/static`, `--base oci:FOLDER`.";
    const parts = { operation: error.operation, subject: error.subject, cause: error.reason, detail: error.detail };
    throw new SteppeError(error.code, { ...parts, hint }, { cause: error });
  }
}

/** Throws USAGE at once, before anything is done. */
function factsOf({ io }: Context, path: string, { label = [] }: BuildOptions): Promise<ImageFacts> {
  const labels = Object.fromEntries(label.map(labelOf));
  const epoch = io.env["SOURCE_DATE_EPOCH"];
  if (epoch !== undefined && !/^\d{1,11}$/.test(epoch)) {
    throw usage(`SOURCE_DATE_EPOCH ${JSON.stringify(epoch)} is no number of seconds since 1970`);
  }
  return gitOrigin(io, path).then(({ revision, source }) => ({
    labels: {
      ...(revision === null ? {} : { [`${OCI}revision`]: revision }),
      ...(source === null ? {} : { [`${OCI}source`]: source }),
      ...labels,
    },
    createdAt: epoch === undefined ? null : Number(epoch) * 1000,
  }));
}

function labelOf(text: string): [string, string] {
  const equals = text.indexOf("=");
  if (equals < 1) throw usage(`the label ${JSON.stringify(text)} is not NAME=VALUE`);
  return [text.slice(0, equals), text.slice(equals + 1)];
}

function compressionOf({ compress }: BuildOptions): Compression {
  const found = COMPRESSIONS.find((name) => name === compress);
  if (found === undefined) throw usage(`--compress ${compress} is none of ${COMPRESSIONS.join(", ")}`);
  return found;
}

function outputOf(cwd: string, { output, push }: BuildOptions): ImageOutput | null {
  if (output === undefined) {
    if (push === true) return null;
    throw usage("nothing would come of it: give --push, --output, or both");
  }
  if (output.startsWith("oci:") && output.length > 4) return { kind: "layout", folder: resolve(cwd, output.slice(4)) };
  if (output.endsWith(".tar") && basename(output) !== ".tar") return { kind: "archive", file: resolve(cwd, output) };
  throw usage(`--output ${output} is neither \`oci:FOLDER\` nor \`FILE.tar\``);
}

function referenceOf({ tag }: BuildOptions) {
  if (tag === undefined) throw usage("--tag is missing: what the image is called, `registry.example.com/team/site:v2`");
  const reference = parseReference(tag);
  if (reference.digest === undefined) return reference;
  throw usage(`--tag ${tag} names a digest, which comes of what is built`);
}

function platformOf(text: string): Platform {
  const platform = parsePlatform(text);
  if (platform === undefined) throw usage(`--platform ${text} is not like linux/amd64`);
  return platform;
}

function usage(cause: string): SteppeError {
  return usageError("steppe build", cause);
}
