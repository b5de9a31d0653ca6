import { closeSync, readdirSync, readFileSync } from "node:fs";
import { errno } from "../shared/errors.ts";

/** `O_CLOEXEC`, as Linux has it on all machines that Node runs on; octal, as `/proc` says it. */
const CLOSE_ON_EXEC = 0o2000000;

/**
 * Closes the descriptors, besides the standard ones, that whoever started us left open: every program that we start would have them as
 * well, and so a build, whatever they lead to. Node sees to the lowest ones only. Those that it opens itself are closed by the kernel when a
 * program starts, and stay.
 */
export function closeInherited(): void {
  for (const name of readdirSync("/proc/self/fd")) {
    const fd = Number(name);
    if (fd <= 2) continue;
    try {
      const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${name}`, "latin1"))?.[1];
      if (flags !== undefined && (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) === 0) closeSync(fd);
    } catch (error) {
      if (errno(error) !== "ENOENT") throw error; // that of reading the folder itself is gone
    }
  }
}
