import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { syncFolder } from "../../shared/atomic-file.ts";
import { SteppeError } from "../../shared/errors.ts";

/**
 * Copies the package, as it is published, and the Node that runs us into a folder of their own, readable by everybody and writable by
 * root, and puts it in the place of an earlier one by renaming.
 *
 * @param from the package's folder
 * @param node the Node binary
 * @param to `/usr/local/lib/steppe`
 */
export function copyProgram(from: string, node: string, to: string): void {
  if (!existsSync(join(from, "dist", "cli.js")) || !existsSync(join(from, "dist", "control.js"))) {
    throw new SteppeError("INSTALL_FAILED", {
      operation: "copy",
      subject: from,
      cause: "its dist/ is not built",
      hint: "Run `npm ci && npm run build` there, and then bin/steppe install.",
    });
  }
  const staging = `${to}.new-${process.pid}`;
  const aside = `${to}.old-${process.pid}`;
  mkdirSync(dirname(to), { recursive: true, mode: 0o755 });
  rmSync(staging, { recursive: true, force: true });
  try {
    const { files } = JSON.parse(readFileSync(join(from, "package.json"), "utf8")) as { files: string[] };
    makeFolder(staging);
    for (const name of [...files, "package.json"]) copyTree(join(from, name), join(staging, name));
    chmodSync(join(staging, "bin", "steppe"), 0o755);
    const place = join(staging, "node_modules", `node-linux-${process.arch}`, "bin");
    mkdirSync(place, { recursive: true });
    for (let path = place; path !== staging; path = dirname(path)) chmodSync(path, 0o755);
    copyFileSync(node, join(place, "node"));
    chmodSync(join(place, "node"), 0o755);
    if (existsSync(to)) renameSync(to, aside);
    renameSync(staging, to);
    syncFolder(dirname(to));
  } finally {
    if (!existsSync(to) && existsSync(aside)) renameSync(aside, to);
    rmSync(staging, { recursive: true, force: true });
    rmSync(aside, { recursive: true, force: true });
  }
}

/** Where `copyProgram` put the Node. */
export function installedNode(to: string): string {
  return join(to, "node_modules", `node-linux-${process.arch}`, "bin", "node");
}

/** Of what is not there, nothing; hidden files are left out: they belong to a clone and its build. */
function copyTree(from: string, to: string): void {
  if (!existsSync(from)) return;
  if (!statSync(from).isDirectory()) {
    copyFileSync(from, to);
    chmodSync(to, 0o644);
    return;
  }
  makeFolder(to);
  for (const name of readdirSync(from)) {
    if (!name.startsWith(".")) copyTree(join(from, name), join(to, name));
  }
}

/** Whatever the umask: the service's user has to read it. */
function makeFolder(path: string): void {
  mkdirSync(path, { recursive: true });
  chmodSync(path, 0o755);
}
