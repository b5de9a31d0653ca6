import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { GitFileTable } from "./git-files.ts";
import { RefTable } from "./refs.ts";
import { Store } from "./store.ts";

function openStore(): Store {
  const store = Store.open(":memory:");
  for (const name of ["blog", "shop"]) {
    store.run(
      "INSERT INTO apps (name, definition, push_token, created_at, updated_at) VALUES (?, '{}', 'x', 0, 0)",
      name,
    );
  }
  store.run("INSERT INTO packs (id, name, bytes, created_at) VALUES (1, 'p', 0, 0)");
  return store;
}

const oid = (index: number): Buffer => createHash("sha1").update(`${index}`).digest();
const hash = (index: number): Buffer => createHash("sha256").update(`${index}`).digest();

describe("known git blobs", () => {
  it.each([10, 5000])("are found, %i of them, as long as their content is kept", (count) => {
    using store = openStore();
    const table = new GitFileTable(store);
    const all = Array.from({ length: count }, (_, index) => index);
    store.transaction(() => {
      for (const index of all)
        store.run("INSERT INTO files (hash, pack, offset, size) VALUES (?, 1, 0, 0)", hash(index));
    });
    table.remember(
      "blog",
      all.filter((index) => index % 3 !== 0).map((index) => ({ oid: oid(index), hash: hash(index) })),
    );
    store.run("DELETE FROM files WHERE hash = ?", hash(1));
    const found = table.lookup("blog", all.map(oid)).map((bytes) => bytes && Buffer.from(bytes).toString("hex"));
    expect(found).toEqual(
      all.map((index) => (index % 3 === 0 || index === 1 ? undefined : hash(index).toString("hex"))),
    );
    expect(table.lookup("shop", all.map(oid)).every((bytes) => bytes === undefined)).toBe(true);
  });
});

describe("seen refs", () => {
  it("are kept by app, moved and forgotten, all or nothing", () => {
    using store = openStore();
    const table = new RefTable(store);
    table.mark(
      "blog",
      [
        { name: "refs/tags/v1", oid: "a" },
        { name: "refs/tags/v2", oid: "b" },
      ],
      1,
    );
    table.mark("shop", [{ name: "refs/tags/v1", oid: "c" }], 1);
    expect(() =>
      store.transaction(() => {
        table.mark("blog", [{ name: "refs/tags/v1", oid: "z" }], 2);
        throw new Error("no");
      }),
    ).toThrow("no");
    table.forget("blog", ["refs/tags/v2", "refs/tags/none"]);
    expect(table.all("blog")).toEqual(new Map([["refs/tags/v1", "a"]]));
    expect(table.all("shop")).toEqual(new Map([["refs/tags/v1", "c"]]));
  });
});
