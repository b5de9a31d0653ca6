import { limits } from "./defaults.ts";
import type { Parsed } from "./parsed.ts";

/**
 * Checks a path that must stay within the folder that it is relative to, and gives it without `./`, doubled or trailing
 * slashes; `.` is that folder itself.
 */
export function parseRelativePath(text: string): Parsed<string> {
  if (text === "") return { problem: "is empty; `.` is the folder itself" };
  if (/[\u0000-\u001f\u007f]/.test(text)) return { problem: "has a control character in it" };
  if (text.startsWith("/")) return { problem: "is absolute; write it relative to the root of the repository" };
  if (text.startsWith("~")) return { problem: "begins with `~`; write it relative to the root of the repository" };
  if (text.includes("\\")) return { problem: "has a backslash in it; write `/` between names" };
  if (Buffer.byteLength(text) > limits.pathBytes) return { problem: "is longer than 1,024 bytes" };
  const names = text.split("/").filter((name) => name !== "" && name !== ".");
  if (names.includes("..")) return { problem: "leads out of the repository (`..`)" };
  return { value: names.length === 0 ? "." : names.join("/") };
}

/** As `parseRelativePath`, but of something within the folder, not the folder itself. */
export function parseInnerPath(text: string): Parsed<string> {
  const parsed = parseRelativePath(text);
  return "value" in parsed && parsed.value === "." ? { problem: "is the whole folder; name something in it" } : parsed;
}
