import { X509Certificate } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { type TemporaryFolder, temporaryFolder } from "../../test/support/temporary-folder.ts";
import { emptySnapshot, type Snapshot, type SnapshotPublisher } from "../ingress/snapshot/index.ts";
import { FakeClock } from "../shared/clock.ts";
import { SteppeError } from "../shared/errors.ts";
import { type Logger, silentLogger } from "../shared/log.ts";
import { CertificateManager } from "./certificate-manager.ts";
import type { Issuer } from "./issuer.ts";
import { LocalCa } from "./local-ca.ts";

const DAY = 24 * 60 * 60 * 1000;

class FakePublisher implements SnapshotPublisher {
  snapshot: Snapshot = emptySnapshot();
  updates = 0;
  failure: Error | undefined;

  current(): Snapshot {
    return this.snapshot;
  }

  async update(mutate: (draft: Snapshot) => void): Promise<Snapshot> {
    if (this.failure !== undefined) throw this.failure;
    const draft = structuredClone(this.snapshot);
    mutate(draft);
    if (
      JSON.stringify(draft.certificates) + draft.defaultCertificate !==
      JSON.stringify(this.snapshot.certificates) + this.snapshot.defaultCertificate
    )
      this.updates++;
    this.snapshot = draft;
    return draft;
  }

  probe(): Promise<never> {
    throw new Error("not asked here");
  }

  route(...hosts: string[]): void {
    this.snapshot.routes = new Map(hosts.map((host) => [host, { kind: "site", app: "blog", redirectToHttps: false }]));
  }

  domains(): string[] {
    return this.snapshot.certificates.flatMap(({ domains }) => domains);
  }
}

function setUp(
  folder: TemporaryFolder,
  more: { clock?: FakeClock; issuer?: Issuer; log?: Logger; publisher?: FakePublisher } = {},
) {
  const clock = more.clock ?? new FakeClock(Date.now());
  const publisher = more.publisher ?? new FakePublisher();
  const files = folder.file("certificates");
  mkdirSync(files, { recursive: true });
  const issuer = more.issuer ?? LocalCa.open(folder.file("ca"), clock, silentLogger);
  const defaultNames = ["localhost", "127.0.0.1", "::1", "api.test"];
  const log = more.log ?? silentLogger;
  const manager = new CertificateManager({ issuer, folder: files, publisher, defaultNames, clock, log });
  const read = (domain: string): X509Certificate => {
    const entry = publisher.snapshot.certificates.find(({ domains }) => domains.includes(domain));
    return new X509Certificate(readFileSync(join(files, entry?.file ?? "none")));
  };
  return { clock, publisher, files, manager, read, signal: new AbortController().signal };
}

describe("CertificateManager", () => {
  test("issues what is missing, once, and publishes it in one change", async () => {
    await using folder = temporaryFolder();
    const { manager, publisher, files, read } = setUp(folder);
    await Promise.all([manager.ensure(["b.test", "*.a.test", "*"]), manager.ensure(["b.test", "c.test"])]);
    expect(publisher.domains()).toEqual(["*.a.test", "b.test", "c.test"]);
    expect(publisher.updates).toBe(2);
    expect(readdirSync(files)).toHaveLength(3);
    expect(read("*.a.test").checkHost("x.a.test")).toBe("*.a.test");
    for (const file of readdirSync(files)) expect(statSync(join(files, file)).mode & 0o777).toBe(0o600);
    await manager.ensure(["b.test"]);
    expect(publisher.updates).toBe(2);
  });

  test("makes a default certificate for this machine's names, and a new one when they change", async () => {
    await using folder = temporaryFolder();
    const { manager, publisher, files, signal } = setUp(folder);
    await manager.maintain(signal);
    const file = publisher.snapshot.defaultCertificate ?? "";
    const certificate = new X509Certificate(readFileSync(join(files, file)));
    expect(certificate.checkIP("::1")).toBe("::1");
    expect(certificate.checkHost("api.test")).toBe("api.test");
    await manager.maintain(signal);
    expect(publisher.snapshot.defaultCertificate).toBe(file);
  });

  test("goes on from what is published, and replaces what is damaged, gone, or of another CA", async () => {
    await using folder = temporaryFolder();
    const first = setUp(folder);
    first.publisher.route("good.test", "cut.test", "gone.test");
    await first.manager.maintain(first.signal);
    const fileOf = (domain: string): string =>
      first.publisher.snapshot.certificates.find(({ domains }) => domains.includes(domain))?.file ?? "";
    const [good, cut, gone] = [fileOf("good.test"), fileOf("cut.test"), fileOf("gone.test")];
    truncateSync(join(first.files, cut), 200);
    rmSync(join(first.files, gone));

    const second = setUp(folder, { publisher: first.publisher, clock: first.clock });
    await second.manager.maintain(second.signal);
    expect(fileOf("good.test")).toBe(good);
    expect(fileOf("cut.test")).not.toBe(cut);
    expect(fileOf("gone.test")).not.toBe(gone);

    rmSync(folder.file("ca"), { recursive: true });
    const third = setUp(folder, { publisher: first.publisher, clock: first.clock });
    await third.manager.maintain(third.signal);
    expect(fileOf("good.test")).not.toBe(good);
  });

  test("renews at two thirds of the lifetime, in a new file, and removes the old one later", async () => {
    await using folder = temporaryFolder();
    const { manager, publisher, clock, read, files, signal } = setUp(folder);
    publisher.route("a.test");
    const stop = new AbortController();
    const running = manager.run(stop.signal);
    const settle = async (): Promise<void> => {
      for (let turn = 0; clock.sleeping === 0; turn++) {
        if (turn > 1e5) throw new Error("it never slept");
        await setImmediate();
      }
    };
    await settle();
    const [entry] = publisher.snapshot.certificates;
    const before = read("a.test");
    for (let day = 0; day < 59; day++) {
      for (const _ of [1, 2]) {
        await clock.advance(DAY / 2);
        await settle();
      }
    }
    expect(read("a.test").serialNumber).toBe(before.serialNumber);
    for (const _ of [1, 2, 3, 4]) {
      await clock.advance(DAY / 2);
      await settle();
    }
    expect(read("a.test").serialNumber).not.toBe(before.serialNumber);
    expect(read("a.test").validToDate.getTime() - clock.now()).toBeGreaterThan(88 * DAY);
    stop.abort();
    await running;

    for (const file of readdirSync(files)) utimesSync(join(files, file), 0, 0);
    await manager.maintain(signal);
    expect(readdirSync(files)).not.toContain(entry?.file);
    expect(readdirSync(files).sort()).toEqual(
      [publisher.snapshot.certificates[0]?.file, publisher.snapshot.defaultCertificate].sort(),
    );
  });

  test("what is not routed is kept for a while, since it may be about to be, and then removed", async () => {
    await using folder = temporaryFolder();
    const { manager, publisher, clock, signal } = setUp(folder);
    await manager.ensure(["soon.test"]);
    await manager.maintain(signal);
    expect(publisher.domains()).toEqual(["soon.test"]);
    await clock.advance(DAY);
    await manager.maintain(signal);
    expect(publisher.domains()).toEqual([]);
  });

  test("a failing issuer fails the deployment that asks, and renewals are tried again", async () => {
    await using folder = temporaryFolder();
    const errors: string[] = [];
    const log: Logger = { ...silentLogger, error: (_, message) => errors.push(message) };
    const cause = new SteppeError("CERTIFICATE_FAILED", { operation: "issue", subject: "a.test", cause: "no answer" });
    let isFailing = true;
    const clock = new FakeClock(Date.now());
    const ca = LocalCa.open(folder.file("ca"), clock, silentLogger);
    const issuer: Issuer = {
      name: "flaky",
      issue: (names) => (isFailing ? Promise.reject(cause) : ca.issue(names)),
      owns: (certificate) => ca.owns(certificate),
    };
    const { manager, publisher } = setUp(folder, { clock, issuer, log });
    await expect(manager.ensure(["a.test"])).rejects.toBe(cause);
    expect(publisher.domains()).toEqual([]);
    publisher.route("a.test");
    const stop = new AbortController();
    const running = manager.run(stop.signal);
    while (clock.sleeping === 0) await setImmediate();
    expect(errors).toHaveLength(1);
    isFailing = false;
    await clock.advance(2 * 60_000);
    while (clock.sleeping === 0) await setImmediate();
    expect(publisher.domains()).toEqual(["a.test"]);
    stop.abort();
    await running;
  });

  test("a change that cannot be published issues again the next time", async () => {
    await using folder = temporaryFolder();
    const { manager, publisher } = setUp(folder);
    publisher.failure = new Error("no process serves it");
    await expect(manager.ensure(["a.test"])).rejects.toThrow("no process serves it");
    publisher.failure = undefined;
    await manager.ensure(["a.test"]);
    expect(publisher.domains()).toEqual(["a.test"]);
  });

  test("a thousand domains at once", async () => {
    await using folder = temporaryFolder();
    const { manager, publisher, files } = setUp(folder);
    const domains = Array.from({ length: 1000 }, (_, index) => `site-${index}.test`);
    await manager.ensure(domains);
    expect(publisher.updates).toBe(1);
    expect(publisher.domains()).toHaveLength(1000);
    expect(readdirSync(files)).toHaveLength(1000);
  });
});
