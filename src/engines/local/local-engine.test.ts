import { existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AppDefinition } from "../../config/index.ts";
import type { Tree } from "../../images/index.ts";
import type { IngressSupervisor } from "../../ingress/index.ts";
import type { SnapshotPublisher } from "../../ingress/snapshot/index.ts";
import { ask, TestData } from "../../ingress/test-ingress.ts";
import { FakeClock } from "../../shared/clock.ts";
import { SteppeError } from "../../shared/errors.ts";
import { silentLogger } from "../../shared/log.ts";
import { describeEngine, type EngineHarness } from "../engine-contract.ts";
import type { ReleaseSpec } from "../engine.ts";
import { fault } from "../../../test/support/fault.ts";
import { testDefinition } from "../../../test/support/test-definition.ts";
import { createLocalEngine, type LocalEngine } from "./index.ts";

/** An image that no driver is here for. */
const PROGRAM = `sha256:${"d".repeat(64)}`;
const refusal = new SteppeError("DRIVER_MISSING", { operation: "serve", subject: PROGRAM, cause: "it is a program" });

/** Real ingress processes, and images in memory over real packs. */
class LocalHarness implements EngineHarness {
  readonly data: TestData;
  readonly ingress: IngressSupervisor;
  readonly clock = new FakeClock(Date.now());
  readonly #trees = new Map<string, Tree>();

  private constructor(data: TestData, ingress: IngressSupervisor) {
    this.data = data;
    this.ingress = ingress;
  }

  static async open(): Promise<LocalHarness> {
    const data = await TestData.make();
    return new LocalHarness(data, await data.supervise());
  }

  engine(publisher: SnapshotPublisher = this.ingress.publisher): LocalEngine {
    return createLocalEngine({
      files: this.data,
      readTree: (digest) =>
        digest === PROGRAM ? Promise.reject(refusal) : Promise.resolve(this.#trees.get(digest) ?? []),
      publisher,
      packFolder: this.data.folders.packs,
      siteFolder: this.data.folders.sites,
      clock: this.clock,
      log: silentLogger,
    });
  }

  /** Dies just before, or just after, each change of the snapshot. */
  dyingEngine(effects: number): LocalEngine {
    const { publisher } = this.ingress;
    let left = effects;
    const maybeDie = (): void => {
      if (left-- <= 0) throw new Error("control was killed");
    };
    return this.engine({
      current: () => publisher.current(),
      probe(request) {
        maybeDie();
        return publisher.probe(request);
      },
      async update(mutate) {
        maybeDie();
        const snapshot = await publisher.update(mutate);
        maybeDie();
        return snapshot;
      },
    });
  }

  release(
    app: string,
    number: number,
    files: Readonly<Record<string, string>>,
    definition: Partial<AppDefinition> = {},
  ): Promise<ReleaseSpec> {
    const paths = Object.keys(files);
    const hashes = this.data.store(Object.values(files));
    const tree = paths.map((path, i) => ({ path, hash: hashes[i] ?? Buffer.alloc(0), size: files[path]?.length ?? 0 }));
    const image = `sha256:${Buffer.from(`${app} ${number} ${JSON.stringify(files)}`)
      .toString("hex")
      .padEnd(64, "0")}`;
    this.#trees.set(image, tree);
    return Promise.resolve({
      app,
      number,
      image,
      definition: testDefinition(app, { domains: [`${app}.test`], ...definition }),
    });
  }

  async visit(host: string, path: string): Promise<{ status: number; body: string }> {
    const { status, body } = await ask({ port: this.ingress.addresses.http.port, host, path });
    return { status, body: body.toString() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.ingress.stop();
    await this.data[Symbol.asyncDispose]();
  }
}

describeEngine("local", () => LocalHarness.open());

describe("local engine", () => {
  let harness: LocalHarness;
  const context = { signal: new AbortController().signal, progress() {}, note() {}, awaitsPromotion() {} };
  const deploy = async (release: ReleaseSpec, engine = harness.engine()): Promise<void> => {
    await engine.place(release, context);
    await engine.awaitHealthy(release, context);
    await engine.route(release, context);
    await engine.retire(release, context);
  };
  beforeAll(async () => {
    harness = await LocalHarness.open();
  });
  afterAll(() => harness[Symbol.asyncDispose]());

  const assets = (letter: string): Record<string, string> => ({
    "index.html": letter,
    [`app.3f9a1c2${letter}.js`]: letter,
    [`plain-${letter}.js`]: letter,
    [`page-3f9a1c2${letter}.html`]: letter,
  });

  test("files with a hash in their names stay reachable for the grace time, and no others", async () => {
    await deploy(await harness.release("grace", 1, assets("a")));
    await deploy(await harness.release("grace", 2, assets("b")));
    const status = async (path: string): Promise<number> => (await harness.visit("grace.test", path)).status;
    expect(await status("/app.3f9a1c2a.js")).toBe(200);
    expect(await status("/plain-a.js")).toBe(404);
    expect(await status("/page-3f9a1c2a.html")).toBe(404);
    await harness.engine().purge("grace");
    expect(await status("/app.3f9a1c2a.js")).toBe(404);
    expect(await status("/app.3f9a1c2b.js")).toBe(200);
    await deploy(await harness.release("grace", 3, assets("c"), { graceMs: 0 }));
    expect(await status("/app.3f9a1c2b.js")).toBe(404);
  });

  test("the grace time ends", async () => {
    await deploy(await harness.release("ends", 1, assets("a"), { graceMs: 1 }));
    await harness.clock.advance(-10_000);
    await deploy(await harness.release("ends", 2, assets("b"), { graceMs: 1 }));
    await harness.clock.advance(10_000);
    expect((await harness.visit("ends.test", "/app.3f9a1c2a.js")).status).toBe(404);
  });

  test("retain keeps the indexes of what it is given, and of what serves", async () => {
    const engine = harness.engine();
    const releases = [];
    for (let number = 1; number <= 4; number++) {
      const release = await harness.release("kept", number, assets("a"));
      await deploy(release);
      releases.unshift(release);
    }
    await engine.retain("kept", releases.slice(0, 2));
    const numbers = (): string[] =>
      readdirSync(join(harness.data.folders.sites, "kept"))
        .map((name) => name.split("-")[0] ?? "")
        .sort();
    expect(numbers()).toEqual(["3", "4"]);
    await engine.retain("kept", releases.slice(2));
    expect(numbers()).toEqual(["1", "2", "4"]);
    await engine.remove("kept");
    expect(existsSync(join(harness.data.folders.sites, "kept"))).toBe(false);
  });

  test("retain passes over a program, which was refused and whose release is kept all the same", async () => {
    const engine = harness.engine();
    const site = await harness.release("mixed", 1, assets("a"));
    await deploy(site);
    const program = { ...site, number: 2, image: PROGRAM };
    await expect(engine.place(program, context)).rejects.toMatchObject({ code: "DRIVER_MISSING" });
    await engine.retain("mixed", [program, site]);
    expect(readdirSync(join(harness.data.folders.sites, "mixed"))).toHaveLength(1);
    expect((await harness.visit("mixed.test", "/")).body).toBe("a");
  });

  test("refresh follows files to where they lie now, and only then are the old packs free", async () => {
    const engine = harness.engine();
    const files = { "index.html": "moved", "app.3f9a1c2a.js": "moved too" };
    const before = engine.packsInUse();
    const release = await harness.release("moved", 1, files);
    await deploy(release);
    const [old = ""] = engine
      .packsInUse()
      .values()
      .filter((pack) => !before.has(pack));
    harness.data.store(Object.values(files)); // a compaction copies them elsewhere
    expect(engine.packsInUse().has(old)).toBe(true);
    await engine.refresh([release]);
    expect(engine.packsInUse().has(old)).toBe(false);
    rmSync(join(harness.data.folders.packs, old));
    await harness.ingress.replace(); // nothing is in its memory
    expect((await harness.visit("moved.test", "/")).body).toBe("moved");
  });

  test("refresh leaves an index as it is whose files lie where they lay", async () => {
    const release = await harness.release("still", 1, { "index.html": "still" });
    await deploy(release);
    const folder = join(harness.data.folders.sites, "still");
    const files = (): number[] => readdirSync(folder).map((name) => statSync(join(folder, name)).ino);
    const before = files();
    await harness.engine().refresh([release]);
    expect(files()).toEqual(before);
  });

  test("a route into a domain of another app is refused, and nothing is changed", async () => {
    await deploy(await harness.release("owner", 1, assets("a")));
    const thief = await harness.release("thief", 1, assets("b"), { domains: ["thief.test", "owner.test"] });
    const engine = harness.engine();
    await engine.place(thief, context);
    await expect(engine.route(thief, context)).rejects.toMatchObject({ code: "DOMAIN_TAKEN" });
    expect((await harness.visit("thief.test", "/")).status).toBe(404);
    expect((await harness.visit("owner.test", "/")).body).toBe("a");
  });

  test("options of the definition, _headers and _redirects are kept to, and what is not understood in them is told", async () => {
    const files = {
      "index.html": "home",
      "about.html": "about",
      "steppe.yaml": "apps: {}",
      _headers: "/*\n  X-Made-By: us\n  no field\n",
      _redirects: "/old /about 301\n/a /b 999\n",
    };
    const definition = {
      cleanUrls: true,
      fallback: "index.html",
      cacheControl: { changing: "max-age=5", hashed: "x" },
    };
    const release = await harness.release("options", 1, files, definition);
    const notes: string[] = [];
    await harness.engine().place(release, { ...context, note: (text) => void notes.push(text) });
    expect(notes.map((note) => note.split(":").slice(0, 2).join(":"))).toEqual(["_headers:3", "_redirects:2"]);
    await deploy(release);
    const asked = (path: string) => ask({ port: harness.ingress.addresses.http.port, host: "options.test", path });
    const about = await asked("/about");
    expect(about.body.toString()).toBe("about");
    expect(about.headers).toMatchObject({ "x-made-by": "us", "cache-control": "max-age=5" });
    expect(await asked("/old")).toMatchObject({ status: 301, headers: { location: "/about" } });
    expect((await asked("/some/where")).body.toString()).toBe("home");
    expect((await asked("/steppe.yaml")).status).toBe(404);
    for (const path of ["/_headers", "/_redirects"]) expect((await asked(path)).body.toString()).toBe("home");
  });

  test("domains that are none are refused", () => {
    const engine = harness.engine();
    for (const domain of ["", "a b.test", "A.test", "a..test", "*.*.test", "a/b", "a.test."]) {
      const validate = (): void => engine.validate(testDefinition("x", { domains: [domain] }));
      expect(validate, domain).toThrow(expect.objectContaining({ code: "DOMAIN_INVALID" }) as Error);
    }
    engine.validate({
      ...testDefinition("x"),
      domains: ["*", "*.a.test", "a.test", "localhost", "xn--bcher-kva.test"],
    });
  });

  test("refuses what only a cluster could do with a release that is healthy", () => {
    const { run } = testDefinition("blog");
    const validate = (promote: "auto" | "manual"): void =>
      harness.engine().validate(testDefinition("blog", { run: { ...run, promote } }));
    validate("auto");
    expect(() => validate("manual")).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }) as Error);
  });

  test("refuses an app whose job is on a cluster", () => {
    const usual = { job: "blog", key: "k", service: null, webhook: null, minHealthyMs: 0, healthyDeadlineMs: 1000 };
    const definition = testDefinition("blog", { compatible: usual });
    expect(fault(() => harness.engine().validate(definition)).code).toBe("CONFIG_INVALID");
  });

  test("content that the store has not is told, and nothing is placed", async () => {
    const release = await harness.release("missing", 1, assets("a"));
    const engine = createLocalEngine({
      files: { locateWithEncodings: (hashes) => hashes.map(() => undefined) },
      readTree: () => Promise.resolve([{ path: "index.html", hash: Buffer.alloc(32), size: 1 }]),
      publisher: harness.ingress.publisher,
      packFolder: harness.data.folders.packs,
      siteFolder: harness.data.folders.sites,
      clock: harness.clock,
      log: silentLogger,
    });
    await expect(engine.place(release, context)).rejects.toMatchObject({
      code: "CONTENT_CORRUPT",
      subject: "index.html",
    });
    expect(await engine.instances("missing")).toEqual([]);
  });
});
