import { expect, test } from "vitest";
import { FakeClock } from "./clock.ts";
import { WindowQuota } from "./window-quota.ts";

test("a window is forgotten after a while, and of so many keys only the last are known", async () => {
  const clock = new FakeClock();
  const quota = new WindowQuota(clock, 1, 1000);
  expect(quota.take("a")).toEqual({ isWithin: true, isFirstBeyond: false });
  expect(quota.take("a")).toEqual({ isWithin: false, isFirstBeyond: true });
  expect(quota.take("a")).toEqual({ isWithin: false, isFirstBeyond: false });
  await clock.advance(1000);
  expect(quota.take("a").isWithin).toBe(true);
  for (let key = 0; key < 20_000; key++) quota.take(`${key}`);
  expect(quota.take("a").isWithin).toBe(true);
});
