import { expect, test } from "vitest";
import { FakeClock } from "../clock.ts";
import { Deadline } from "./deadline.ts";
import { TransportError } from "./transport-error.ts";

test("time that is up aborts, and says so", async () => {
  const clock = new FakeClock();
  using deadline = new Deadline(clock, 2500, undefined);
  await clock.advance(2499);
  expect(deadline.signal.aborted).toBe(false);
  await clock.advance(1);
  expect(deadline.signal.reason).toBeInstanceOf(TransportError);
  expect(deadline.signal.reason).toMatchObject({ message: "it took longer than 2.5 s" });
});

test("the caller's signal aborts it with its reason, at once or later", () => {
  const stop = new AbortController();
  using later = new Deadline(new FakeClock(), 1000, stop.signal);
  expect(later.signal.aborted).toBe(false);
  stop.abort("enough");
  using atOnce = new Deadline(new FakeClock(), 1000, stop.signal);
  expect([later.signal.reason, atOnce.signal.reason]).toEqual(["enough", "enough"]);
});

test("what is done with leaves nothing behind", async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const deadline = new Deadline(clock, 1000, stop.signal);
  deadline[Symbol.dispose]();
  stop.abort();
  await clock.advance(5000);
  expect({ aborted: deadline.signal.aborted, sleeping: clock.sleeping }).toEqual({ aborted: false, sleeping: 0 });
});
