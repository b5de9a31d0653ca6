import { existsSync } from "node:fs";
import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { SourceEntry } from "../builds/index.ts";
import { SteppeError } from "../shared/errors.ts";
import type { CheckoutSource } from "./checkout.ts";
import { gitFailed, withoutPasswords } from "./git.ts";

/** A folder of a commit that is a commit of another repository. */
export interface Submodule {
  path: string;
  commit: string;
  url: string;
}

const FETCH_MS = 10 * 60_000;

/**
 * The submodules among the files of a commit. Throws REPOSITORY_INVALID if `.gitmodules` gives one no address.
 *
 * @param entries all that the commit holds
 */
export async function listSubmodules(
  source: CheckoutSource,
  entries: readonly SourceEntry[],
  signal: AbortSignal,
): Promise<Submodule[]> {
  const { label } = source;
  const links = entries.flatMap(({ kind, path, oid }) =>
    kind === "submodule" && oid !== null ? [{ commit: oid.toString("hex"), path: path.toString("utf8") }] : [],
  );
  if (links.length === 0) return [];
  const addresses = await readAddresses(source, signal);
  return links.map(({ commit: oid, path }) => {
    const url = addresses.get(path);
    if (url === undefined) throw invalid(label, `the submodule ${path} has no address in .gitmodules`);
    return { path, commit: oid, url: absolute(url, source) };
  });
}

/** Brings a submodule's commit here, into a repository beside the app's, and says where. */
export async function fetchSubmodule(
  source: CheckoutSource,
  { path, commit, url }: Submodule,
  signal: AbortSignal,
): Promise<CheckoutSource> {
  const { git, submoduleProtocols } = source;
  const allowed = submoduleProtocols.split(":");
  if (!allowed.some((protocol) => url.startsWith(`${protocol}://`))) {
    const cause = `the submodule ${path} is at ${withoutPasswords(url)}, and only ${allowed.join(", ")} is fetched`;
    throw invalid(source.label, cause);
  }
  const folder = join(
    moduleFolder(source.repository),
    `${createHash("sha256").update(url).digest("hex").slice(0, 24)}.git`,
  );
  const label = `${source.label}/${path}`;
  if (!existsSync(join(folder, "HEAD"))) {
    await mkdir(folder, { recursive: true });
    const made = await git.run({ args: ["init", "--quiet", "--bare", "--template=", folder] }, { signal });
    if (made.code !== 0) throw gitFailed("GIT_FAILED", "fetch submodule", label, made);
  }
  const has = await git.run({ repository: folder, args: ["cat-file", "-e", `${commit}^{tree}`] }, { signal });
  if (has.code !== 0) {
    const args = [
      "-c",
      "gc.auto=0",
      "fetch",
      "--quiet",
      "--depth=1",
      "--no-tags",
      "--no-recurse-submodules",
      "--no-write-fetch-head",
    ];
    const limit = AbortSignal.any([signal, AbortSignal.timeout(FETCH_MS)]);
    // The ref keeps the commit from garbage collection.
    const refspec = `+${commit}:refs/kept/${commit}`;
    const env = { GIT_HTTP_LOW_SPEED_LIMIT: "1000", GIT_HTTP_LOW_SPEED_TIME: "30" };
    const fetched = await git.run(
      { repository: folder, args: [...args, "--", url, refspec], protocols: submoduleProtocols, env, asUser: true },
      { signal: limit },
    );
    if (fetched.code !== 0) throw gitFailed("REMOTE_UNREACHABLE", "fetch submodule", label, fetched);
  }
  return { ...source, repository: folder, commit, label, origin: url };
}

/** Where the repositories of an app's submodules lie; those of submodules' submodules lie in the same place. */
function moduleFolder(repository: string): string {
  const above = /^(.*\.modules)\/[^/]+$/.exec(repository)?.[1];
  return above ?? `${repository.replace(/\.git$/, "")}.modules`;
}

/** Path to address, from `.gitmodules` as the commit has it. https://git-scm.com/docs/gitmodules */
async function readAddresses(
  { git, repository, commit }: CheckoutSource,
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const args = ["config", "--blob", `${commit}:.gitmodules`, "-z", "--get-regexp", "^submodule\\..*\\.(path|url)$"];
  const { stdout } = await git.run({ repository, args }, { signal }); // no such file: no addresses
  const byName = new Map<string, { path?: string; url?: string }>();
  for (const line of stdout.toString("utf8").split("\0")) {
    const match = /^submodule\.(.*)\.(path|url)\n(.*)$/s.exec(line);
    if (match === null) continue;
    const [, name = "", key, value = ""] = match;
    byName.set(name, { ...byName.get(name), [key === "path" ? "path" : "url"]: value });
  }
  const found = new Map<string, string>();
  for (const { path, url } of byName.values()) if (path !== undefined && url !== undefined) found.set(path, url);
  return found;
}

/** `../theme.git` begins at the address of the repository that holds it. */
function absolute(url: string, { origin, label }: CheckoutSource): string {
  if (!/^\.\.?\//.test(url)) return url;
  const base = origin === null ? null : URL.parse(`${origin.replace(/\/*$/, "")}/`);
  if (base === null)
    throw invalid(label, `the submodule's address ${url} is relative, and the app has no \`repository\``);
  return new URL(url, base).href;
}

function invalid(label: string, cause: string): SteppeError {
  return new SteppeError("REPOSITORY_INVALID", {
    operation: "check out",
    subject: label,
    cause,
    hint: "Give it a https:// address in .gitmodules, or copy its files into the repository.",
  });
}
