import { expect, test } from "vitest";
import { NomadJobTable } from "./nomad-jobs.ts";
import { Store } from "./store.ts";

test("an app's job, with an index that is longer than a number is exact", () => {
  using store = Store.open(":memory:");
  const table = new NomadJobTable(store);
  expect(table.get("blog")).toBeUndefined();
  table.set({ app: "shop", job: "shop", jobModifyIndex: 1n });
  table.set({ app: "blog", job: "my-blog", jobModifyIndex: 5n });
  table.set({ app: "blog", job: "my-blog", jobModifyIndex: 18_446_744_073_709_551_615n });
  expect(table.get("blog")).toEqual({ app: "blog", job: "my-blog", jobModifyIndex: 18_446_744_073_709_551_615n });
  expect(table.all().map(({ app }) => app)).toEqual(["blog", "shop"]);
  table.delete("blog");
  table.delete("blog");
  expect(table.get("blog")).toBeUndefined();
});
