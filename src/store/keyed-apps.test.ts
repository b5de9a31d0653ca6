import { expect, test } from "vitest";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { KeyedAppTable, type KeyedWrite } from "./keyed-apps.ts";
import { migrations } from "./migrations.ts";
import { Store } from "./store.ts";

const live: KeyedWrite = { release: 1, image: "sha256:a", key: "configs/blog/IMAGE_TAG", tag: "v1" };

test("that an app's job was taken over is remembered past each tag, until the app is forgotten", () => {
  using store = Store.open(":memory:");
  const table = new KeyedAppTable(store);
  table.setTakenOver("blog");
  table.set("blog", { live, attempt: null });
  expect(table.isTakenOver("blog")).toBe(false);
  table.setTakenOver("blog");
  table.set("blog", { live: { ...live, release: 2 }, attempt: null });
  expect([table.get("blog"), table.isTakenOver("blog")]).toEqual([
    { live: { ...live, release: 2 }, attempt: null },
    true,
  ]);
  table.delete("blog");
  table.set("blog", { live, attempt: null });
  expect(table.isTakenOver("blog")).toBe(false);
});

test("an app from before that was remembered keeps its tag", async () => {
  await using folder = temporaryFolder();
  const file = folder.file("steppe.db");
  {
    const before = migrations.findIndex((step) => step.includes("taken_over"));
    using store = Store.open(file, { steps: migrations.slice(0, before) });
    store.run("INSERT INTO keyed_apps (app, live, attempt) VALUES ('blog', ?, NULL)", JSON.stringify(live));
  }
  using store = Store.open(file);
  const table = new KeyedAppTable(store);
  expect([table.get("blog"), table.isTakenOver("blog")]).toEqual([{ live, attempt: null }, false]);
});
