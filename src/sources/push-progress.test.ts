import { expect, it } from "vitest";
import { FakeClock } from "../shared/clock.ts";
import type { GitAnswer } from "./git-answer.ts";
import { PushProgress } from "./push-progress.ts";

/** An answer that keeps what was written, and takes no more while `full` is not resolved. */
function answer(full: Promise<void> = Promise.resolve()) {
  const written: string[] = [];
  const target: GitAnswer = {
    start() {},
    write(chunk) {
      written.push(Buffer.from(chunk).toString());
      return full;
    },
    end() {},
    destroy() {},
  };
  return { target, written };
}

it("a connection that waits is kept alive, until the work is done", async () => {
  const { target, written } = answer();
  const clock = new FakeClock();
  const work = Promise.withResolvers<void>();
  const waiting = new PushProgress(target).keepAliveDuring(work.promise, clock);
  await clock.advance(11_000);
  expect(written).toEqual(["0005\u0001", "0005\u0001"]);
  work.resolve();
  await waiting;
  expect(clock.sleeping).toBe(0);
  await clock.advance(60_000);
  expect(written).toHaveLength(2);
});

it("a client that does not read costs lines, not memory", async () => {
  const blocked = Promise.withResolvers<void>();
  const { target, written } = answer(blocked.promise);
  const progress = new PushProgress(target);
  for (let index = 0; index < 5000; index++) progress.say("x".repeat(4000));
  blocked.resolve();
  await progress.send(Buffer.from("end"));
  expect(written.at(-1)).toBe("end");
  expect(written.length).toBeLessThan(300);
});

it("lines cannot steer a terminal", async () => {
  const { target, written } = answer();
  const progress = new PushProgress(target);
  progress.say("\u001b]0;title\u0007a\u001b[31mb\u001b[0m\tc\nd\u0085e");
  await progress.send(Buffer.alloc(0));
  expect(written[0]?.slice(5)).toBe("ab    c d e\n");
});
