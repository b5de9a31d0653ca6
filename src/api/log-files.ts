import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../shared/clock.ts";
import type { LogRequest, LogService } from "./api-options.ts";
import { FileTail } from "./file-tail.ts";
import { errno } from "../shared/errors.ts";

/** How often a file that is followed is looked at, milliseconds. */
const LOOK_MS = 300;
/** After so many looks in vain an empty piece is given, so that the stream is not taken for dead. */
const LOOKS_BEFORE_BEAT = 50;
/** Of an access log, so much is looked through from its end, in bytes. */
const MOST_LOOKED_THROUGH = 128 * 1024 * 1024;
const MOST_KEPT_LINES = 100_000;

/** Reads the logs in the data folder's `logs/`. */
export class LogFiles implements LogService {
  readonly #folder: string;
  readonly #clock: Clock;

  constructor(folder: string, clock: Clock) {
    this.#folder = folder;
    this.#clock = clock;
  }

  /** The newest lines of all files `access-*.log` (and those that were rotated away) in the order of their times, then what comes. */
  async *access(app: string, { lines, follow, signal }: LogRequest): AsyncGenerator<string> {
    const isOfApp = lineFilter(app);
    const tails = new Map<string, FileTail>();
    const most = Math.min(lines ?? MOST_KEPT_LINES, MOST_KEPT_LINES);
    const found: string[] = [];
    for (const name of await this.#accessLogs()) {
      await using tail = await FileTail.open(join(this.#folder, name));
      if (tail === undefined) continue;
      found.push(...(await tail.lastLines(most, MOST_LOOKED_THROUGH, isOfApp)));
      if (follow && name.endsWith(".log")) tails.set(name, await tail.keep());
    }
    try {
      yield joined(newest(found, most));
      let silent = 0;
      while (follow && (await this.#wait(signal))) {
        const text = await this.#whatCame(tails, isOfApp);
        silent = text === "" ? silent + 1 : 0;
        if (text !== "") yield text;
        else if (silent % LOOKS_BEFORE_BEAT === 0) yield "\n";
      }
    } finally {
      for (const tail of tails.values()) await tail.close();
    }
  }

  async *build(file: string, request: LogRequest, isFinished: () => boolean): AsyncGenerator<string> {
    await using tail = await FileTail.open(file);
    if (tail === undefined) return;
    const all = request.lines === undefined;
    if (!all) yield joined(await tail.lastLines(request.lines ?? 0, MOST_LOOKED_THROUGH, () => true));
    for (;;) {
      // Asked before reading: what was written before the end is read after it.
      const isLast = !request.follow || isFinished();
      for (let text = await tail.more(); text !== ""; text = await tail.more()) yield text;
      if (isLast) {
        yield tail.rest();
        return;
      }
      if (!(await this.#wait(request.signal))) return;
    }
  }

  async #accessLogs(): Promise<string[]> {
    try {
      return (await readdir(this.#folder)).filter((name) => /^access-.*\.log(?:\.\d+)?$/.test(name)).sort();
    } catch (error) {
      if (errno(error) === "ENOENT") return [];
      throw error;
    }
  }

  async #whatCame(tails: Map<string, FileTail>, isOfApp: (line: string) => boolean): Promise<string> {
    const came: string[] = [];
    const take = async (tail: FileTail): Promise<void> => {
      for (let text = await tail.more(); text !== ""; text = await tail.more()) {
        came.push(...text.split("\n").filter((line) => line !== "" && isOfApp(line)));
      }
    };
    for (const name of (await this.#accessLogs()).filter((name) => name.endsWith(".log"))) {
      const path = join(this.#folder, name);
      const tail = tails.get(name);
      if (tail !== undefined) {
        await take(tail);
        if (await tail.isStillAt(path)) continue;
        await take(tail); // written between the last read and the renaming
        await tail.close();
        tails.delete(name);
      }
      const next = await FileTail.open(path);
      if (next === undefined) continue;
      tails.set(name, next);
      await take(next);
    }
    return joined(newest(came, Number.POSITIVE_INFINITY));
  }

  /** Whether to go on. */
  async #wait(signal: AbortSignal): Promise<boolean> {
    try {
      await this.#clock.sleep(LOOK_MS, { signal });
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      throw error;
    }
  }
}

/** Whether a line of the access log is of the app. What is surely not is told without parsing. */
function lineFilter(app: string): (line: string) => boolean {
  const mark = `"app":${JSON.stringify(app)}`;
  return (line) => line.includes(mark) && fieldsOf(line)?.["app"] === app;
}

/** The last lines by their times. */
function newest(lines: string[], most: number): string[] {
  const timed = lines.map((line) => ({ line, time: Number(fieldsOf(line)?.["time"] ?? 0) }));
  timed.sort((a, b) => a.time - b.time);
  return timed.slice(most === Number.POSITIVE_INFINITY ? 0 : -most).map(({ line }) => line);
}

function fieldsOf(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined; // half a line, after a crash
  }
}

function joined(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}
