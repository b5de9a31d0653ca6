import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, realpathSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { commands } from "../../src/cli/command-table.ts";
import { findProgram } from "../../test/support/peers.ts";
import { type Run, writeConfiguration } from "./configuration.ts";
import { imageBytes } from "./image-size.ts";

const root = join(import.meta.dirname, "../..");

/** A server that is measured. */
export interface ServerKind {
  name: string;
  /** What to install or run if it is not there. */
  from: string;
  /** Its program, or undefined if it is not there. */
  program(): string | undefined;
  /** What it can do besides plain serving. */
  can: ReadonlySet<"logged" | "tls">;
  /** Makes ready what has to be made, once before the first start. */
  prepare?(): void;
  /** Features of its configuration that depend on what is installed. */
  extras?(): string[];
  /** How it is started: in the foreground, so that what is started is what serves. */
  command(run: Run): { file: string; args: string[] };
  /** Whether it ends each connection after one answer, from a process of its own that is gone then, with the processor time that it used. */
  forks?: true;
  /** Whether it is ours: then a wrong answer is a failure. */
  ours?: true;
  /** Names of the cases that it can answer; default all. */
  only?: ReadonlySet<string>;
  /** Bytes of what has to be shipped besides the program, if that is not a Debian package: an image, a bundle. */
  shipped?(): number | undefined;
}

const native: ServerKind = {
  name: "native",
  from: "npm run build:site-server",
  program: () =>
    existing(join(root, "dist/site-server", `steppe-static-${process.arch === "arm64" ? "arm64" : "amd64"}`)),
  can: new Set(["logged"]),
  ours: true,
  command: ({ root: folder, port, features }) => ({
    file: native.program() ?? "",
    args: [
      "-root-dir",
      folder,
      "-listen-addr",
      `127.0.0.1:${port}`,
      ...(features.has("logged") ? [] : ["-no-request-logging", "-no-metrics"]),
    ],
  }),
  shipped: () => imageBytes(join(root, "dist/site-server/oci"), process.arch === "arm64" ? "arm64" : "amd64"),
};

const node: ServerKind = {
  name: "node",
  from: "npm ci",
  // Another Node than this one would be another server.
  program: () => (commands.some(({ name }) => name === "serve") ? process.execPath : undefined),
  can: new Set(["logged", "tls"]),
  ours: true,
  prepare: () => void execFileSync(join(root, "bin/steppe"), ["--version"]), // makes dist/ if a source is newer
  command: ({ root: folder, port, temporary, features }) => ({
    file: process.execPath,
    args: [
      join(root, "dist/cli.js"),
      "serve",
      folder,
      features.has("tls") ? "--https" : "--http",
      `127.0.0.1:${port}`,
      ...(features.has("tls")
        ? ["--cert", join(temporary, "certificate.pem"), "--key", join(temporary, "key.pem")]
        : []),
      ...(features.has("logged") ? [] : ["--quiet"]),
    ],
  }),
  shipped: () => fileBytes(join(root, "dist")) + fileBytes(join(root, "dist/core")),
};

const nginx: ServerKind = {
  name: "nginx",
  from: "Debian package nginx-light",
  program: () => findProgram("nginx"),
  can: new Set(["logged", "tls"]),
  extras: () => (existsSync("/usr/lib/nginx/modules/ngx_http_brotli_static_module.so") ? ["brotli"] : []),
  command: (run) => ({
    file: nginx.program() ?? "",
    args: [
      "-e",
      join(run.temporary, "nginx-error.log"),
      "-p",
      run.temporary,
      "-c",
      writeConfiguration("nginx.conf", run),
    ],
  }),
};

const lighttpd: ServerKind = {
  name: "lighttpd",
  from: "Debian package lighttpd",
  program: () => findProgram("lighttpd"),
  can: new Set(["logged"]),
  extras: () => (existsSync("/usr/lib/lighttpd/mod_deflate.so") ? ["deflate"] : []),
  command: (run) => {
    mkdirSync(join(run.temporary, "lighttpd-deflate"), { recursive: true });
    return { file: lighttpd.program() ?? "", args: ["-D", "-f", writeConfiguration("lighttpd.conf", run)] };
  },
};

const caddy: ServerKind = {
  name: "caddy",
  from: "Debian package caddy",
  program: () => findProgram("caddy"),
  can: new Set(["logged"]),
  command: (run) => ({
    file: caddy.program() ?? "",
    args: ["run", "--adapter", "caddyfile", "--config", writeConfiguration("Caddyfile", run)],
  }),
};

const busybox: ServerKind = {
  name: "busybox",
  from: "Debian package busybox",
  program: () => findProgram("busybox"),
  can: new Set(),
  forks: true,
  command: (run) => ({
    file: busybox.program() ?? "",
    args: ["httpd", "-f", "-p", `127.0.0.1:${run.port}`, "-h", run.root, "-c", writeConfiguration("httpd.conf", run)],
  }),
};

const floorProgram = join(root, "dist/site-server/floor");
const floorSources = ["floor.c", "floor-ring.c"].map((name) => join(import.meta.dirname, name));

/** No server: what the kernel takes of each request, whoever answers it. It logs nothing, so logged it is the same. */
function floor(name: string, ...how: readonly string[]): ServerKind {
  return {
    name,
    from: "Debian package gcc",
    program: () => findProgram("gcc") && floorProgram,
    prepare() {
      mkdirSync(dirname(floorProgram), { recursive: true });
      execFileSync("gcc", ["-O2", "-static", "-o", floorProgram, ...floorSources]);
    },
    can: new Set(["logged"]),
    only: new Set(["1 KB"]),
    command: ({ port, root: folder }) => ({
      file: floorProgram,
      args: [String(port), join(folder, "1k.html"), ...how],
    }),
  };
}

/** In the order of the tables. */
export const serverKinds: readonly ServerKind[] = [
  native,
  node,
  nginx,
  lighttpd,
  caddy,
  busybox,
  floor("floor"),
  floor("floor-ring", "ring"),
];

/** Bytes of a server's program. */
export function programBytes(kind: ServerKind): number {
  return statSync(realpathSync(kind.program() ?? "")).size;
}

function existing(path: string): string | undefined {
  return existsSync(path) ? path : undefined;
}

/** Bytes of the files of a folder, without those of the folders in it. */
function fileBytes(folder: string): number {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { name }) => sum + statSync(join(folder, name)).size, 0);
}
