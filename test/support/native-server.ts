import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "vitest";
import { buildNative } from "../../scripts/site-server/build-native.ts";
import { type Architecture, missingPackages, targets } from "../../scripts/site-server/toolchain.ts";
import { cachedBuild, NATIVE_SOURCES } from "./cached-build.ts";

/** The binary of the native host, built from the sources as they are. Skips the test, naming the packages, if the toolchain is missing. */
export async function nativeBinary(
  context: TestContext,
  architecture: Architecture = "amd64",
  defines: readonly string[] = [],
): Promise<string> {
  const wanted = targets.filter((target) => target.architecture === architecture);
  const missing = missingPackages(wanted);
  if (missing.length > 0) context.skip(`needs a toolchain of the Debian package ${missing.join(" ")}`);
  return await cachedBuild(["steppe-static", architecture, ...defines].join("-"), NATIVE_SOURCES, async (folder) => {
    const [binary] = await buildNative(join(folder, "build"), wanted, defines);
    if (binary === undefined) throw new Error(`nothing was built for ${architecture}`);
    const built = join(folder, "binary");
    writeFileSync(built, binary.content);
    chmodSync(built, 0o755);
    return built;
  });
}

/** A native server that runs until its scope ends. */
export interface NativeServer extends AsyncDisposable {
  readonly port: number;
  readonly process: ChildProcess;
  /** Lines of standard error and output so far. */
  readonly errors: string[];
  readonly log: string[];
  /** Resolves when a line of standard error contains the text. */
  said(text: string): Promise<void>;
  /** Resolves with exit code and signal. */
  ended(): Promise<[number | null, NodeJS.Signals | null]>;
  connect(): Socket;
  /** Sends bytes on a connection of their own, and resolves with all that comes until the server ends it. */
  exchange(request: string | Buffer): Promise<Buffer>;
}

export interface NativeOptions {
  flags?: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** What runs the binary: an emulator, a program that sets limits. */
  wrapper?: readonly string[];
}

/** Starts the binary on a free port of the loopback, and waits until it serves. */
export async function startNative(binary: string, folder: string, options: NativeOptions = {}): Promise<NativeServer> {
  const flags = ["-root-dir", folder, "-listen-addr", "127.0.0.1:0", ...(options.flags ?? [])];
  const [file = binary, ...args] = [...(options.wrapper ?? []), binary, ...flags];
  const child = spawn(file, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...options.env } });
  const errors: string[] = [];
  const log: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => log.push(line));
  const ended = once(child, "close") as Promise<[number | null, NodeJS.Signals | null]>;
  const reader = createInterface({ input: child.stderr });
  const waiting = new Set<() => void>();
  reader.on("line", (line) => {
    errors.push(line);
    for (const check of waiting) check();
  });
  const said = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const check = (): void => {
        if (!errors.some((line) => line.includes(text))) return;
        waiting.delete(check);
        resolve();
      };
      waiting.add(check);
      check();
      void ended.then(() => reject(new Error(`it ended and did not say ${text}: ${errors.join("\n")}`)));
    });
  await said(" on 127.0.0.1:");
  const port = Number(/ on 127\.0\.0\.1:(\d+)/.exec(errors.join("\n"))?.[1]);
  const open = (): Socket => connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  return {
    port,
    process: child,
    errors,
    log,
    said,
    ended: () => ended,
    connect: open,
    exchange: async (request) => {
      const socket = open();
      socket.end(request);
      return collect(socket);
    },
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** All that comes until the other side ends or resets the connection. */
export async function collect(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.on("error", () => {}).resume(); // a reset ends it as well
  if (!socket.closed) await new Promise((resolve) => socket.once("end", resolve).once("close", resolve));
  socket.destroy();
  return Buffer.concat(chunks);
}
