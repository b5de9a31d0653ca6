import { appendFileSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { FakeClock } from "../shared/clock.ts";
import { FileTail } from "./file-tail.ts";
import { LogFiles } from "./log-files.ts";

const line = (app: string, time: number, more = ""): string => `${JSON.stringify({ time, app, path: `/${more}` })}\n`;
const never = new AbortController().signal;

async function collect(pieces: AsyncIterable<string>): Promise<string> {
  let text = "";
  for await (const piece of pieces) text += piece;
  return text;
}

describe("the access log", () => {
  test("is the app's last lines of all files, by time", async () => {
    await using folder = temporaryFolder();
    writeFileSync(
      folder.file("access-1.log"),
      line("blog", 2) + line("shop", 3) + line("blog", 5) + '{"app":"blog","ti',
    );
    writeFileSync(folder.file("access-2.log"), line("blog", 4) + line("blog-2", 4) + line("shop", 6, '"app":"blog"'));
    writeFileSync(folder.file("access-1.log.1"), line("blog", 1));
    writeFileSync(folder.file("ingress-1.log"), line("blog", 9));
    const logs = new LogFiles(folder.path, new FakeClock());
    const all = await collect(logs.access("blog", { lines: undefined, follow: false, signal: never }));
    expect(all).toBe([1, 2, 4, 5].map((time) => line("blog", time)).join(""));
    expect(await collect(logs.access("blog", { lines: 2, follow: false, signal: never }))).toBe(
      line("blog", 4) + line("blog", 5),
    );
    expect(await collect(logs.access("none", { lines: 2, follow: false, signal: never }))).toBe("");
    const empty = new LogFiles(folder.file("none"), new FakeClock());
    expect(await collect(empty.access("blog", { lines: 2, follow: false, signal: never }))).toBe("");
  });

  test("is followed through appends, rotation and new files", async () => {
    await using folder = temporaryFolder();
    const file = folder.file("access-1.log");
    writeFileSync(file, line("blog", 1));
    const clock = new FakeClock();
    const stop = new AbortController();
    const pieces = new LogFiles(folder.path, clock).access("blog", { lines: 10, follow: true, signal: stop.signal });
    const next = async (): Promise<string> => {
      const piece = pieces.next();
      let isDone = false;
      void piece.finally(() => (isDone = true));
      while (!isDone) await clock.advance(300); // as many turns as the disk takes; the test's own time limit ends them
      return String((await piece).value);
    };
    expect(await next()).toBe(line("blog", 1));
    appendFileSync(file, line("shop", 2) + line("blog", 3) + '{"time":4,"ap');
    expect(await next()).toBe(line("blog", 3));
    appendFileSync(file, 'p":"blog","path":"/"}\n');
    expect(await next()).toBe(line("blog", 4));
    appendFileSync(file, line("blog", 5));
    renameSync(file, `${file}.1`);
    writeFileSync(file, line("blog", 6));
    writeFileSync(folder.file("access-2.log"), line("blog", 7));
    expect(await next()).toBe([5, 6, 7].map((time) => line("blog", time)).join(""));
    expect(await next()).toBe("\n"); // nothing came for a while
    stop.abort();
    const last = pieces.next();
    expect((await last).done).toBe(true);
  });
});

describe("the log of a build", () => {
  test("is followed until the build has ended, with what came last", async () => {
    await using folder = temporaryFolder();
    mkdirSync(folder.file("logs"));
    const file = folder.file("logs", "build.log");
    writeFileSync(file, "one\ntw");
    const clock = new FakeClock();
    let isFinished = false;
    const pieces = new LogFiles(folder.path, clock).build(
      file,
      { lines: undefined, follow: true, signal: never },
      () => isFinished,
    );
    expect((await pieces.next()).value).toBe("one\n");
    const next = pieces.next();
    while (clock.sleeping === 0) await new Promise(setImmediate);
    appendFileSync(file, "o\nthree\nno end");
    isFinished = true;
    await clock.advance(300);
    expect((await next).value).toBe("two\nthree\n");
    expect((await pieces.next()).value).toBe("no end\n");
    expect((await pieces.next()).done).toBe(true);
  });

  test("only its last lines, and one that is gone", async () => {
    await using folder = temporaryFolder();
    writeFileSync(folder.file("build.log"), "one\ntwo\nthree\n");
    const logs = new LogFiles(folder.path, new FakeClock());
    const read = (file: string, lines: number): Promise<string> =>
      collect(logs.build(folder.file(file), { lines, follow: false, signal: never }, () => true));
    expect(await read("build.log", 2)).toBe("two\nthree\n");
    expect(await read("gone.log", 2)).toBe("");
  });
});

describe("FileTail", () => {
  test("the last lines, and what follows, are all lines in order, whatever their lengths", async () => {
    await using folder = temporaryFolder();
    const file = folder.file("file.log");
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(200_000), { maxLength: 8 }),
        fc.array(fc.nat(100_000), { maxLength: 4 }),
        fc.nat(10),
        async (before, after, most) => {
          const lines = before.map((length, index) => `${index}${"x".repeat(length)}`);
          const more = after.map((length, index) => `${index}${"y".repeat(length)}`);
          writeFileSync(file, lines.map((text) => `${text}\n`).join(""));
          await using tail = await FileTail.open(file);
          expect(await tail?.lastLines(most, Number.MAX_SAFE_INTEGER, () => true)).toEqual(
            most === 0 ? [] : lines.slice(-most),
          );
          appendFileSync(file, more.map((text) => `${text}\n`).join(""));
          let came = "";
          for (let text = await tail?.more(); text !== undefined && text !== ""; text = await tail?.more())
            came += text;
          expect(came).toBe(more.map((text) => `${text}\n`).join(""));
        },
      ),
      { numRuns: 30 },
    );
  });
});
