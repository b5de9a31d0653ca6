import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { type Config, parseConfig, readJobFiles } from "../config/index.ts";
import { errno, SteppeError } from "../shared/errors.ts";
import type { Io } from "./io.ts";

/** Reads a `steppe.yaml`, and the jobspecs that it names; `-` is standard input. Rejects with CONFIG_INVALID. */
export async function readConfigFile(io: Pick<Io, "cwd" | "stdin">, file: string): Promise<Config> {
  if (file === "-") return await readJobFiles(await parseConfig(await io.stdin.read(), "standard input"), io.cwd);
  let text: string;
  try {
    text = await readFile(resolve(io.cwd, file), "utf8");
  } catch (error) {
    const missing = errno(error) === "ENOENT";
    throw new SteppeError(
      "CONFIG_INVALID",
      {
        operation: "read",
        subject: file,
        cause: missing ? "there is no such file" : (errno(error) ?? String(error)),
        hint: "Name the file with `-f FILE`; docs/steppe-yaml.md says what goes into it.",
      },
      { cause: error },
    );
  }
  return await readJobFiles(await parseConfig(text, file), dirname(resolve(io.cwd, file)));
}
