import { mkdtempDisposableSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeSnapshot, parseSnapshot } from "./parse-snapshot.ts";
import { SnapshotFiles } from "./snapshot-files.ts";
import { emptySnapshot, type Snapshot } from "./snapshot.ts";

function sample(generation: number): Snapshot {
  const release = (number: number) => ({ release: number, index: `blog/${number}-0af3.site` });
  return {
    generation,
    sites: new Map([
      ["blog", { current: release(2), staged: [release(3)], grace: [{ ...release(1), until: 1_790_000_000_000 }] }],
      ["constructor", { current: null, staged: [], grace: [] }],
    ]),
    routes: new Map([
      ["blog.test", { kind: "site", app: "blog", redirectToHttps: true }],
      ["*.blog.test", { kind: "site", app: "blog", redirectToHttps: false }],
      ["*", { kind: "site", app: "constructor", redirectToHttps: false }],
      ["steppe.test", { kind: "control", target: { socketPath: "/run/api.sock" }, redirectToHttps: true }],
      [
        "hooks.test",
        {
          kind: "control",
          target: { socketPath: "/run/api.sock" },
          webhooks: { socketPath: "/run/webhooks.sock" },
          redirectToHttps: true,
        },
      ],
      ["api.test", { kind: "control", target: { host: "127.0.0.1", port: 7070 }, redirectToHttps: false }],
    ]),
    certificates: [{ domains: ["blog.test", "*.blog.test"], file: "blog-1.pem" }],
    defaultCertificate: "default.pem",
  };
}

describe("snapshot", () => {
  test("comes back as it was", () => {
    expect(parseSnapshot(encodeSnapshot(sample(7)), "s")).toEqual(sample(7));
    expect(parseSnapshot(encodeSnapshot(emptySnapshot()), "s")).toEqual(emptySnapshot());
  });

  test("whatever is cut off or changed is refused", () => {
    const text = encodeSnapshot(sample(7));
    fc.assert(
      fc.property(fc.nat(text.length - 3), fc.constantFrom("x", "1", '"', "}"), (at, character) => {
        const changed = text.slice(0, at) + character + text.slice(at + 1);
        const corrupt = expect.objectContaining({ code: "CONTENT_CORRUPT" }) as Error;
        if (changed !== text) expect(() => parseSnapshot(changed, "s")).toThrow(corrupt);
        expect(() => parseSnapshot(text.slice(0, at), "s")).toThrow(corrupt);
      }),
    );
  });

  test.each<[string, (snapshot: Snapshot) => void]>([
    ["sites.blog.current.index", (s) => (s.sites.get("blog")!.current = { release: 1, index: "../../token" })],
    ["has a bad name", (s) => s.sites.set("../x", s.sites.get("blog")!)],
    ["has a bad name", (s) => s.routes.set("a/b", { kind: "site", app: "blog", redirectToHttps: false })],
    ["names no site", (s) => s.routes.set("x.test", { kind: "site", app: "other", redirectToHttps: false })],
    [
      "target.host",
      (s) => s.routes.set("x.test", { kind: "control", target: { host: "10.0.0.1", port: 1 }, redirectToHttps: true }),
    ],
    [
      "webhooks.host",
      (s) => {
        const target = { host: "127.0.0.1", port: 1 };
        s.routes.set("x.test", {
          kind: "control",
          target,
          webhooks: { host: "10.0.0.1", port: 1 },
          redirectToHttps: true,
        });
      },
    ],
    ["certificates[0].file", (s) => (s.certificates[0]!.file = "../ca/key.pem")],
    ["defaultCertificate", (s) => (s.defaultCertificate = "/etc/x.pem")],
    ["generation", (s) => (s.generation = -1)],
  ])("refuses by its place: %s", (place, change) => {
    const snapshot = sample(1);
    change(snapshot);
    expect(() => parseSnapshot(encodeSnapshot(snapshot), "s")).toThrow(place);
  });

  test("the one before serves when the newest is damaged", () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), "steppe-snapshot-"));
    const files = new SnapshotFiles(folder.path);
    expect(files.load()).toEqual({ snapshot: emptySnapshot(), damage: undefined });
    for (const generation of [1, 2]) {
      files.writeNext(sample(generation));
      expect(files.readNext().generation).toBe(generation);
      expect(files.load().snapshot.generation).toBe(generation - 1);
      files.commit();
    }
    expect(files.load().snapshot.generation).toBe(2);
    truncateSync(join(folder.path, "snapshot.json"), 100);
    expect(files.load()).toMatchObject({ snapshot: { generation: 1 }, damage: { code: "CONTENT_CORRUPT" } });
    writeFileSync(join(folder.path, "snapshot.json.previous"), "");
    expect(files.load().snapshot).toEqual(emptySnapshot());
    files.writeNext(sample(3));
    files.discardNext();
    expect(() => readFileSync(join(folder.path, "snapshot.json.next"))).toThrow("ENOENT");
  });
});
