import { chmodSync, constants, mkdirSync, openSync, closeSync, fstatSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DockerfileDefinition } from "../../config/index.ts";
import { errno, SteppeError } from "../../shared/errors.ts";

/** What BuildKit takes: https://github.com/moby/buildkit/blob/master/session/secrets/secretsprovider */
const LARGEST = 500 * 1024;
/** Shorter lines of a secret are in everything that is printed, and are not covered up. */
const SHORTEST_CONCEALED = 6;

/** Secrets of a build, as files that nobody else may read. */
export interface BuildSecrets {
  /** By id, relative to the workspace. */
  files: ReadonlyMap<string, string>;
  /** A line of the log with the secrets in it covered up. */
  conceal(line: string): string;
}

/**
 * Writes the secrets of a build into files of its own (0600, in a folder of 0700), each from a file of the server or a variable of Steppe's
 * environment, so that no command line or environment of a program holds one. They go with the workspace.
 * Throws CONFIG_INVALID, naming the secret, if one cannot be had.
 *
 * @param workspace the build's folder
 * @param subject what is built: `blog@v2`
 */
export function writeSecrets(
  secrets: DockerfileDefinition["secrets"],
  { workspace, environment, subject }: { workspace: string; environment: NodeJS.ProcessEnv; subject: string },
): BuildSecrets {
  const files = new Map<string, string>();
  const values: string[] = [];
  const folder = join(workspace, "secrets");
  for (const [index, [id, from]] of Object.entries(secrets).entries()) {
    const content = secretOf(id, from, { environment, subject });
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const path = join(folder, String(index));
    writeFileSync(path, content, { mode: 0o600 });
    chmodSync(path, 0o600);
    files.set(id, join("secrets", String(index)));
    values.push(content.toString("utf8").trim(), ...content.toString("utf8").split(/\r?\n/));
  }
  // Longer ones first: a secret that holds another is covered up whole.
  const concealed = [...new Set(values.map((value) => value.trim()))]
    .filter((value) => value.length >= SHORTEST_CONCEALED)
    .sort((a, b) => b.length - a.length);
  return { files, conceal: (line) => concealed.reduce((text, value) => text.replaceAll(value, "***"), line) };
}

function secretOf(
  id: string,
  from: { file: string } | { env: string },
  { environment, subject }: { environment: NodeJS.ProcessEnv; subject: string },
): Buffer {
  const invalid = (why: string): SteppeError =>
    new SteppeError("CONFIG_INVALID", {
      operation: "build",
      subject,
      cause: `the secret \`${id}\` cannot be had: ${why}`,
      hint: "Correct the app's `dockerfile.secrets`, or put on the server what it names.",
    });
  if ("env" in from) {
    const value = environment[from.env];
    if (value === undefined || value === "") throw invalid(`Steppe's environment has no variable \`${from.env}\``);
    return Buffer.from(value);
  }
  try {
    return readSecretFile(from.file, invalid);
  } catch (error) {
    if (error instanceof SteppeError) throw error;
    throw invalid(`the file \`${from.file}\` cannot be read (${errno(error) ?? String(error)})`);
  }
}

function readSecretFile(path: string, invalid: (why: string) => SteppeError): Buffer {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw invalid(`\`${path}\` is no file`);
    if (stat.size > LARGEST) throw invalid(`\`${path}\` has ${stat.size} bytes, more than ${LARGEST}`);
    if (stat.size === 0) throw invalid(`\`${path}\` is empty`);
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}
