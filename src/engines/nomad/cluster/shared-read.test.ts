import { expect, test } from "vitest";
import { SharedRead } from "./shared-read.ts";

/** Readings that end when the test says so. */
function readings() {
  const open: Array<PromiseWithResolvers<string>> = [];
  const read = (): Promise<string> => {
    const reading = Promise.withResolvers<string>();
    open.push(reading);
    return reading.promise;
  };
  return { open, shared: new SharedRead(read) };
}

const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("whoever comes while it is being read waits for the next reading, which is one for all of them", async () => {
  const { open, shared } = readings();
  const first = shared.get();
  const others = [shared.get(), shared.get()];
  expect(open).toHaveLength(1);
  open[0]?.resolve("old");
  expect(await first).toBe("old");
  await soon();
  expect(open).toHaveLength(2);
  const later = shared.get();
  open[1]?.resolve("new");
  expect(await Promise.all(others)).toEqual(["new", "new"]);
  await soon();
  open[2]?.resolve("newest");
  expect(await later).toBe("newest");
  expect(open).toHaveLength(3);
});

test("with nobody before it is read at once, again and again", async () => {
  const { open, shared } = readings();
  for (const at of [0, 1]) {
    const value = shared.get();
    expect(open).toHaveLength(at + 1);
    open[at]?.resolve("it");
    await value;
  }
});

test("what fails fails for those who waited for it, and is read anew for the others", async () => {
  const { open, shared } = readings();
  const [first, second] = [shared.get(), shared.get()];
  open[0]?.reject(new Error("away"));
  await expect(first).rejects.toThrow("away");
  await soon();
  open[1]?.resolve("there");
  expect(await second).toBe("there");
});

test("a signal ends it for one, and for nobody else", async () => {
  const { open, shared } = readings();
  const end = new AbortController();
  const [one, other] = [shared.get(end.signal), shared.get()];
  const reason = new Error("superseded");
  end.abort(reason);
  await expect(one).rejects.toBe(reason);
  await expect(shared.get(end.signal)).rejects.toBe(reason);
  open[0]?.resolve("old");
  await soon();
  open[1]?.resolve("new");
  expect(await other).toBe("new");
});
