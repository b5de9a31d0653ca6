import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { TestContext } from "vitest";
import { TestData, testProgram } from "../../src/ingress/test-ingress.ts";
import { collect, nativeBinary, startNative } from "./native-server.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const cli = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

/** The host that every request has to name. */
const HOST = "site.test";

/** One of the hosts of the site server, in a process of its own, that serves a site until its scope ends. */
export interface SiteHost extends AsyncDisposable {
  readonly port: number;
  /** What it told whoever runs it. */
  told(): string;
}

export type Files = Readonly<Record<string, string | Buffer>>;

/** Starts a host. @param wrapper what runs its program, with arguments: a program that sets limits */
export type StartHost = (context: TestContext, files: Files, wrapper?: readonly string[]) => Promise<SiteHost>;

export const siteHosts: Readonly<Record<"the native host" | "steppe serve" | "the ingress", StartHost>> = {
  "the native host": startNativeHost,
  "steppe serve": startServe,
  "the ingress": startIngress,
};

async function startNativeHost(context: TestContext, files: Files, wrapper: readonly string[] = []): Promise<SiteHost> {
  const binary = await nativeBinary(context);
  await using resources = new AsyncDisposableStack();
  const folder = resources.use(folderOf(files));
  const server = resources.use(await startNative(binary, folder.path, { wrapper }));
  return hostOf(resources.move(), server.port, () => server.errors.join("\n"));
}

async function startServe(_context: TestContext, files: Files, wrapper: readonly string[] = []): Promise<SiteHost> {
  await using resources = new AsyncDisposableStack();
  const folder = resources.use(folderOf(files));
  const [file, ...args] = [...wrapper, process.execPath, cli, "serve", folder.path, "--port", "0", "--json"];
  const child = spawn(file, [...args, "--quiet"], { stdio: ["ignore", "pipe", "inherit"] });
  resources.defer(async () => {
    child.kill("SIGKILL");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  });
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  const [first] = (await once(reader, "line")) as [string];
  const { url } = JSON.parse(first) as { url: string };
  return hostOf(resources.move(), Number(new URL(url).port), () => lines.join("\n"));
}

async function startIngress(_context: TestContext, files: Files, wrapper: readonly string[] = []): Promise<SiteHost> {
  await using resources = new AsyncDisposableStack();
  const data = resources.use(await TestData.make());
  const [execPath, ...execArgv] = [...wrapper, testProgram.execPath];
  const ingress = await data.supervise({ workers: 1, program: { ...testProgram, execPath, execArgv } });
  resources.defer(() => ingress.stop());
  const release = data.release("blog", 1, files);
  await ingress.publisher.update((draft) => {
    draft.sites.set("blog", { current: release, staged: [], grace: [] });
    draft.routes.set(HOST, { kind: "site", app: "blog", redirectToHttps: false });
  });
  const log = join(data.folders.logs, "ingress.log");
  return hostOf(resources.move(), ingress.addresses.http.port, () => readFileSync(log, "utf8"));
}

function folderOf(files: Files) {
  const folder = temporaryFolder("site-host");
  for (const [name, content] of Object.entries(files)) writeFileSync(folder.file(name), content);
  return folder;
}

function hostOf(resources: AsyncDisposableStack, port: number, told: () => string): SiteHost {
  return { port, told, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

/** A connection to it. */
export function visit({ port }: SiteHost): Socket {
  return connect({ host: "127.0.0.1", port, allowHalfOpen: true });
}

/** The bytes of a request. */
export function requestFor(path: string, fields = ""): string {
  return `GET ${path} HTTP/1.1\r\nHost: ${HOST}\r\n${fields}\r\n`;
}

/** Sends bytes on a connection of their own, and resolves with all that comes until the host ends it. */
export async function exchange(host: SiteHost, request: string): Promise<Buffer> {
  const socket = visit(host);
  socket.end(request);
  return await collect(socket);
}
