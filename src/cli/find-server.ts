import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { ApiTarget } from "../api/client.ts";
import { errno, SteppeError } from "../shared/errors.ts";
import { readCredentials } from "./credentials.ts";
import type { Io } from "./io.ts";
import { isLoopback } from "../shared/loopback.ts";
import { parseServerUrl } from "./server-url.ts";

type World = Pick<Io, "env" | "cwd" | "home">;

/** Where `steppe install` puts the data. */
export const SYSTEM_DATA_FOLDER = "/var/lib/steppe";

/**
 * Which server is meant, and its token. In this order: `--data`; STEPPE_URL with STEPPE_TOKEN (or the token of a login there, or for an
 * address of this machine that of the data folder); the server that runs on the data folder (STEPPE_DATA, `./.steppe`,
 * `/var/lib/steppe`); the last `steppe login`. Throws API_UNREACHABLE naming these ways, or TOKEN_MISSING.
 *
 * @param data the value of `--data`, if it was given
 */
export function findServer(world: World, data: string | undefined): ApiTarget {
  const { env } = world;
  if (data !== undefined) return requireFolder(resolve(world.cwd, data), "--data");
  if (env["STEPPE_URL"]) return fromUrl(world, parseServerUrl(env["STEPPE_URL"], "STEPPE_URL"));
  if (env["STEPPE_DATA"]) return requireFolder(resolve(world.cwd, env["STEPPE_DATA"]), "STEPPE_DATA");
  const refused: string[] = [];
  for (const folder of [join(world.cwd, ".steppe"), SYSTEM_DATA_FOLDER]) {
    const found = readFolder(folder);
    if (typeof found === "object") return found;
    if (found === "EACCES") refused.push(folder);
  }
  const { current, servers } = readCredentials(world);
  const token = current === null ? undefined : servers[current];
  if (current !== null && token !== undefined) return { url: current, token };
  throw new SteppeError("API_UNREACHABLE", {
    operation: "find",
    subject: "the server",
    cause:
      refused.length > 0
        ? `this user may not read ${refused.join(" or ")}`
        : `nothing runs on ./.steppe or ${SYSTEM_DATA_FOLDER}, and there was no login`,
    hint:
      refused.length > 0
        ? "Run it as root or as the folder's user, or set STEPPE_URL and STEPPE_TOKEN, or `steppe login URL`."
        : "Start it with `steppe up` (or name its folder: --data, STEPPE_DATA), or set STEPPE_URL and STEPPE_TOKEN, or `steppe login URL`.",
  });
}

function fromUrl(world: World, url: string): ApiTarget {
  const given = world.env["STEPPE_TOKEN"];
  if (given) return { url, token: given };
  const stored = readCredentials(world).servers[url];
  if (stored !== undefined) return { url, token: stored };
  // The folder's token opens this machine's API; it must not go anywhere else.
  if (isLoopback(url)) {
    const folders = [world.env["STEPPE_DATA"] ?? ".steppe", SYSTEM_DATA_FOLDER].map((path) => resolve(world.cwd, path));
    for (const folder of folders) {
      const token = readOrCode(join(folder, "token"));
      if ("text" in token) return { url, token: token.text.trim() };
    }
  }
  throw new SteppeError("TOKEN_MISSING", {
    operation: "find",
    subject: `the token for ${url}`,
    cause: "STEPPE_URL is set and STEPPE_TOKEN is not",
  });
}

function requireFolder(folder: string, where: string): ApiTarget {
  const found = readFolder(folder);
  if (typeof found === "object") return found;
  throw new SteppeError("API_UNREACHABLE", {
    operation: "find",
    subject: `the server of ${folder}`,
    cause: found === "EACCES" ? "this user may not read the folder" : `nothing runs on the folder that ${where} names`,
    hint:
      found === "EACCES"
        ? "Run it as root or as the folder's user, or set STEPPE_URL and STEPPE_TOKEN."
        : `Start it with \`steppe up --data ${folder}\`.`,
  });
}

/** The API of the control process that runs on a data folder, or the code of what stands in the way. */
function readFolder(folder: string): ApiTarget | string {
  const addresses = readOrCode(join(folder, "run", "addresses.json"));
  if ("code" in addresses) return addresses.code;
  const token = readOrCode(join(folder, "token"));
  if ("code" in token) return token.code;
  const api = /"api"\s*:\s*"(https?:\/\/[^"\\\s]+)"/.exec(addresses.text)?.[1];
  return api === undefined ? "EINVAL" : { url: api, token: token.text.trim() };
}

function readOrCode(file: string): { text: string } | { code: string } {
  try {
    return { text: readFileSync(file, "utf8") };
  } catch (error) {
    const code = errno(error);
    if (code === undefined) throw error;
    return { code };
  }
}
