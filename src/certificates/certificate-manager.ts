import type { X509Certificate } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import type { Snapshot, SnapshotPublisher } from "../ingress/snapshot/index.ts";
import { backoffDelay } from "../shared/backoff.ts";
import type { Clock } from "../shared/clock.ts";
import { toSteppeError } from "../shared/errors.ts";
import type { Logger } from "../shared/log.ts";
import { SerialQueue } from "../shared/serial-queue.ts";
import { CertificateFiles } from "./certificate-files.ts";
import type { Issuer } from "./issuer.ts";

const HOUR = 60 * 60 * 1000;
/** Renewals are looked for at least this often, whatever the certificates say. */
const LOOK_EVERY = 12 * HOUR;
const RETRY = { first: 60_000, most: HOUR };
/** What is not routed is kept so long: it may be about to be. */
const UNUSED_MS = HOUR;
/** Certificates issued in a row before others get a turn. */
const ISSUED_IN_A_ROW = 20;

export interface CertificateManagerOptions {
  issuer: Issuer;
  /** `ingress/certificates/` in the data folder. */
  folder: string;
  publisher: SnapshotPublisher;
  /** What the default certificate is for: `localhost`, `127.0.0.1`, `::1`, and the API's host. */
  defaultNames: readonly string[];
  clock: Clock;
  log: Logger;
}

/** Sees to it that the ingress has a certificate for every domain that is routed, and that none comes to its end. */
export class CertificateManager {
  readonly #options: CertificateManagerOptions;
  readonly #files: CertificateFiles;
  readonly #queue = new SerialQueue();
  /** When a file is to be renewed, milliseconds since 1970; read from the file once. */
  readonly #renewAt = new Map<string, number>();

  constructor(options: CertificateManagerOptions) {
    this.#options = options;
    this.#files = new CertificateFiles(options.folder);
  }

  /**
   * Issues and publishes what is missing. Resolves when every ingress process has a certificate for each; `*` needs none, since the
   * default certificate is for whatever has no other. Throws CERTIFICATE_FAILED.
   */
  ensure(domains: readonly string[], signal?: AbortSignal): Promise<void> {
    const wanted = domains.filter((domain) => domain !== "*");
    return this.#queue.run(() => this.#issueMissing(wanted, signal ?? new AbortController().signal));
  }

  /**
   * Makes everything right: a default certificate, one for each routed domain, those that are due renewed, those that nothing uses
   * any more removed. Returns when it is next to be called, milliseconds since 1970. To be called once at start.
   */
  maintain(signal: AbortSignal): Promise<number> {
    return this.#queue.run(async () => {
      const { publisher, clock } = this.#options;
      await this.#ensureDefault(signal);
      await this.#issueMissing(
        [...publisher.current().routes.keys()].filter((host) => host !== "*"),
        signal,
      );
      await this.#removeUnused();
      const snapshot = publisher.current();
      const due = filesOf(snapshot).map((file) => this.#due(file) ?? clock.now());
      return Math.min(clock.now() + LOOK_EVERY, ...due);
    });
  }

  /** Renews in time until the signal aborts, and resolves then. Failures are logged and tried again. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    for (let failures = 0; !signal.aborted;) {
      let delay: number;
      try {
        delay = Math.max(1000, (await this.maintain(signal)) - clock.now());
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        delay = backoffDelay(RETRY, ++failures);
        log.error({ err: error, failures }, "certificates could not be renewed; it will be tried again");
      }
      try {
        await clock.sleep(delay, { signal, unref: true });
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    }
  }

  async #ensureDefault(signal: AbortSignal): Promise<void> {
    const { defaultNames, publisher } = this.#options;
    const { defaultCertificate } = publisher.current();
    const isFor = defaultCertificate !== null && sameNames(this.#files.read(defaultCertificate), defaultNames);
    if (isFor && this.#isGood(defaultCertificate)) return;
    const [file = ""] = await this.#issue([{ name: "default", names: defaultNames }], signal);
    await publisher.update((draft) => {
      draft.defaultCertificate = file;
    });
  }

  async #issueMissing(domains: readonly string[], signal: AbortSignal): Promise<void> {
    const { publisher } = this.#options;
    const fileOf = new Map(
      publisher.current().certificates.flatMap(({ domains, file }) => domains.map((one) => [one, file])),
    );
    const missing = [...new Set(domains)].filter((domain) => !this.#isGood(fileOf.get(domain)));
    if (missing.length === 0) return;
    const files = await this.#issue(
      missing.map((domain) => ({ name: domain, names: [domain] })),
      signal,
    );
    const replaced = new Set(missing);
    await publisher.update((draft) => {
      const others = draft.certificates.filter(({ domains }) => !domains.every((domain) => replaced.has(domain)));
      const made = missing.map((domain, index) => ({ domains: [domain], file: files[index] ?? "" }));
      draft.certificates = [...others, ...made].sort((a, b) => ((a.domains[0] ?? "") < (b.domains[0] ?? "") ? -1 : 1));
    });
    if (missing.length <= 3) this.#options.log.info({ domains: missing }, "certificates issued");
    else this.#options.log.info({ count: missing.length }, "certificates issued");
  }

  /** Returns the names of the files, which are durable. */
  async #issue(
    wanted: ReadonlyArray<{ name: string; names: readonly string[] }>,
    signal: AbortSignal,
  ): Promise<string[]> {
    const made: Array<{ name: string; pem: string }> = [];
    for (const { name, names } of wanted) {
      signal.throwIfAborted();
      try {
        made.push({ name, pem: await this.#options.issuer.issue(names, signal) });
      } catch (error) {
        throw toSteppeError(error, "issue certificate", names.join(", "));
      }
      if (made.length % ISSUED_IN_A_ROW === 0) await setImmediate();
    }
    return this.#files.write(made);
  }

  /** Entries and files that nothing needs, unless they are new. */
  async #removeUnused(): Promise<void> {
    const { publisher, clock, log } = this.#options;
    const isUsed = ({ domains, file }: { domains: string[]; file: string }, snapshot: Snapshot): boolean => {
      if (domains.some((domain) => snapshot.routes.has(domain))) return true;
      return clock.now() - (this.#files.read(file)?.validFromDate.getTime() ?? 0) < 2 * UNUSED_MS;
    };
    const snapshot = await publisher.update((draft) => {
      draft.certificates = draft.certificates.filter((entry) => isUsed(entry, draft));
    });
    const removed = this.#files.removeOthers(new Set(filesOf(snapshot)), UNUSED_MS, clock.now());
    for (const file of removed) this.#renewAt.delete(file);
    if (removed.length > 0) log.info({ count: removed.length }, "certificates that nothing uses were removed");
  }

  #isGood(file: string | undefined): boolean {
    if (file === undefined) return false;
    return (this.#due(file) ?? 0) > this.#options.clock.now();
  }

  /** At two thirds of its lifetime. Undefined if it is damaged, or not of our issuer. */
  #due(file: string): number | undefined {
    const known = this.#renewAt.get(file);
    if (known !== undefined) return known;
    const certificate = this.#files.read(file);
    if (certificate === undefined || !this.#options.issuer.owns(certificate)) return undefined;
    const begin = certificate.validFromDate.getTime();
    const due = begin + ((certificate.validToDate.getTime() - begin) * 2) / 3;
    this.#renewAt.set(file, due);
    return due;
  }
}

function filesOf({ certificates, defaultCertificate }: Snapshot): string[] {
  return [...certificates.map(({ file }) => file), ...(defaultCertificate === null ? [] : [defaultCertificate])];
}

/** Whether a certificate is for just these names. */
function sameNames(certificate: X509Certificate | undefined, names: readonly string[]): boolean {
  const listed = certificate?.subjectAltName?.split(", ").length;
  if (certificate === undefined || listed !== names.length) return false;
  return names.every((name) => certificate.checkHost(name) !== undefined || certificate.checkIP(name) !== undefined);
}
