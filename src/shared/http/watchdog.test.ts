import { expect, test } from "vitest";
import { FakeClock } from "../clock.ts";
import { Watchdog } from "./watchdog.ts";

function watchdog() {
  const clock = new FakeClock();
  const late: string[] = [];
  return { clock, late, dog: new Watchdog(clock, (what) => late.push(what)) };
}

test("what does not come about in time is told once", async () => {
  const { clock, late, dog } = watchdog();
  dog.watch(1000, "no answer");
  await clock.advance(999);
  expect(late).toEqual([]);
  await clock.advance(1);
  await clock.advance(5000);
  expect({ late, told: dog.late }).toEqual({ late: ["no answer"], told: "no answer" });
});

test("turns that are taken begin the time anew; while it is ours, nobody is late", async () => {
  const { clock, late, dog } = watchdog();
  dog.watch(1000, "silent", { taking: true });
  for (let i = 0; i < 5; i++) {
    await clock.advance(900);
    dog.resume();
  }
  dog.pause();
  await clock.advance(60_000);
  expect(late).toEqual([]);
  dog.resume();
  await clock.advance(999);
  expect(late).toEqual([]);
  await clock.advance(1001);
  expect(late).toEqual(["silent"]);
});

test("that we are slow to send does not put off what is no turn", async () => {
  const { clock, late, dog } = watchdog();
  dog.pause();
  dog.watch(1000, "no connection");
  await clock.advance(1000);
  expect(late).toEqual(["no connection"]);
});

test("another watch takes the place of the one before, and none is left at the end", async () => {
  const { clock, late, dog } = watchdog();
  dog.watch(1000, "first");
  dog.watch(3000, "second");
  await clock.advance(2000);
  expect(late).toEqual([]);
  dog[Symbol.dispose]();
  await clock.advance(60_000);
  expect({ late, sleeping: clock.sleeping }).toEqual({ late: [], sleeping: 0 });
});
