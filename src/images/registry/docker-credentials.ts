import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../shared/clock.ts";
import { errno, SteppeError } from "../../shared/errors.ts";
import { runCommand } from "../../shared/run-command.ts";
import type { Credentials, CredentialSource } from "./credentials.ts";
import { isObject, parseObject } from "./json-document.ts";
import { DOCKER_HUB } from "./reference.ts";

export interface DockerCredentialsOptions {
  /** `DOCKER_CONFIG`, `HOME` and `PATH` are read from it, and helpers run in it. */
  env: Readonly<Record<string, string>>;
  clock: Clock;
  /** How long a helper may take, milliseconds. Default 20,000. */
  helperMs?: number;
}

/** The parts of `~/.docker/config.json` that concern credentials. Nothing of it is trusted to have its type. */
interface DockerConfig {
  auths?: unknown;
  credHelpers?: unknown;
  credsStore?: unknown;
}

const DOCKER_HUB_KEY = "https://index.docker.io/v1/";
/** What a helper gives for the name of the user if the secret is an identity token. */
const TOKEN_USER = "<token>";
/** What helpers print for "there are none": github.com/docker/docker-credential-helpers, credentials/error.go */
const NOT_FOUND = /credentials not found/i;

/**
 * The credentials that `docker login` left: in `~/.docker/config.json`, or in what its `credHelpers` and `credsStore` name. The file is read
 * each time, so that a new login counts at once.
 */
export function dockerCredentials(options: DockerCredentialsOptions): CredentialSource {
  const { env } = options;
  const file = join(env["DOCKER_CONFIG"] ?? join(env["HOME"] ?? "/", ".docker"), "config.json");
  return async (registry, signal) => {
    const config = await readConfig(file);
    const helper = helperFor(config, registry);
    if (helper === undefined) return fromAuths(config, registry, file);
    return (await askHelper(helper, registry, options, signal)) ?? fromAuths(config, registry, file);
  };
}

async function readConfig(file: string): Promise<DockerConfig> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (errno(error) === "ENOENT" || errno(error) === "ENOTDIR") return {};
    throw unusable(file, `it cannot be read (${errno(error) ?? String(error)})`, undefined, error);
  }
  const config = parseObject(Buffer.from(text));
  if (config === undefined) throw unusable(file, "it holds no JSON object");
  return config;
}

function helperFor({ credHelpers, credsStore }: DockerConfig, registry: string): string | undefined {
  const helpers = isObject(credHelpers) ? credHelpers : {};
  const own = keysOf(registry).map((key) => helpers[key]);
  return [...own, credsStore].find((name) => typeof name === "string" && name !== "") as string | undefined;
}

function fromAuths({ auths }: DockerConfig, registry: string, file: string): Credentials | undefined {
  if (!isObject(auths)) return undefined;
  const key = Object.keys(auths).find((name) => keysOf(registry).includes(plainKey(name)));
  const entry = key === undefined ? undefined : auths[key];
  if (!isObject(entry)) return undefined;
  const { auth, identitytoken, username, password } = entry;
  if (typeof identitytoken === "string" && identitytoken !== "") return { identityToken: identitytoken };
  if (typeof auth === "string" && auth !== "") {
    const text = Buffer.from(auth, "base64").toString("utf8").replace(/\0+$/, "");
    const colon = text.indexOf(":");
    if (colon < 1) throw unusable(`${file}, auths["${key}"]`, "its `auth` is not the base64 of USER:PASSWORD");
    return { username: text.slice(0, colon), password: text.slice(colon + 1) };
  }
  if (typeof username === "string" && typeof password === "string") return { username, password };
  return undefined;
}

/** https://github.com/docker/docker-credential-helpers#development */
async function askHelper(
  name: string,
  registry: string,
  { env, clock, helperMs = 20_000 }: DockerCredentialsOptions,
  signal: AbortSignal | undefined,
): Promise<Credentials | undefined> {
  const program = `docker-credential-${name}`;
  if (!/^[\w][\w.-]*$/.test(name)) throw unusable(program, "this is no name of a credential helper");
  const input = registry === DOCKER_HUB ? DOCKER_HUB_KEY : registry;
  const late = new AbortController();
  const done = new AbortController();
  const timer = clock.sleep(helperMs, { signal: done.signal, unref: true }).then(
    () => late.abort(unusable(program, `it did not answer within ${helperMs / 1000} s`)),
    () => {}, // it ended in time
  );
  try {
    const both = signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]);
    const { code, stdout, stderr } = await runCommand(
      { file: program, args: ["get"], env, input },
      { signal: both, maxOutput: 256 * 1024 },
    );
    if (code === 0) return parseHelperAnswer(stdout, program);
    const printed = stdout.toString("utf8").trim();
    if (NOT_FOUND.test(printed)) return undefined;
    throw unusable(program, `it ended with ${code}`, `${printed}\n${stderr}`.trim());
  } catch (error) {
    if (error instanceof SteppeError || signal?.aborted === true) throw error;
    const why = error instanceof Error ? error.message : String(error);
    const cause = errno(error) === "ENOENT" ? "this program is not on the PATH" : why;
    throw unusable(program, cause, undefined, error);
  } finally {
    done.abort();
    await timer;
  }
}

function parseHelperAnswer(answer: Buffer, program: string): Credentials {
  const { Username: username, Secret: secret } = parseObject(answer) ?? {};
  if (typeof username !== "string" || typeof secret !== "string") {
    throw unusable(program, "its answer is no JSON with Username and Secret");
  }
  return username === TOKEN_USER ? { identityToken: secret } : { username, password: secret };
}

/** The names that a registry has in the file. */
function keysOf(registry: string): string[] {
  return registry === DOCKER_HUB ? [DOCKER_HUB_KEY, "index.docker.io", DOCKER_HUB, "registry-1.docker.io"] : [registry];
}

/** Old versions of Docker wrote addresses: `https://registry.example.com/v2/`. */
function plainKey(key: string): string {
  return key === DOCKER_HUB_KEY
    ? key
    : key
        .replace(/^https?:\/\//, "")
        .replace(/\/(v[12]\/?)?$/, "")
        .toLowerCase();
}

function unusable(subject: string, cause: string, detail?: string, thrown?: unknown): SteppeError {
  const parts = { operation: "read credentials from", subject, cause, hint: "Correct it, or `docker login` again." };
  return new SteppeError("REGISTRY_DENIED", { ...parts, detail }, { cause: thrown });
}
