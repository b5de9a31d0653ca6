import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, X509Certificate } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { writeFileAtomic } from "../shared/atomic-file.ts";
import type { Clock } from "../shared/clock.ts";
import { errno, SteppeError } from "../shared/errors.ts";
import type { Logger } from "../shared/log.ts";
import type { Issuer } from "./issuer.ts";
import { keyId, MOST_COMMON_NAME, signCertificate } from "./x509.ts";

const DAY = 24 * 60 * 60 * 1000;
const ROOT_DAYS = 3650;
const LEAF_DAYS = 90;
/** A root that ends sooner is replaced: its sites' certificates could not be renewed well. */
const LAST_DAYS_OF_ROOT = 30;
/** Certificates begin a little in the past, for clients whose clocks are behind. */
const BACKDATED = 60 * 60 * 1000;

/** Key and certificate, in one file so that they are there together or not at all. */
const FILE = "local-ca.pem";

/** A certificate authority of this machine's own, which browsers trust once its certificate was installed. */
export class LocalCa implements Issuer {
  readonly name = "local CA";
  readonly #key: KeyObject;
  readonly #certificate: X509Certificate;
  readonly #commonName: string;
  readonly #clock: Clock;

  private constructor(pem: string, clock: Clock) {
    this.#key = createPrivateKey(pem);
    this.#certificate = new X509Certificate(pem);
    this.#commonName = /^CN=(.+)$/m.exec(this.#certificate.subject)?.[1] ?? "";
    this.#clock = clock;
  }

  /**
   * Opens the CA in a folder, or makes it there.
   * Throws CERTIFICATE_FAILED if its file is damaged: it is never replaced on the quiet, since people trust it.
   */
  static open(folder: string, clock: Clock, log: Logger): LocalCa {
    const file = join(folder, FILE);
    const ca = LocalCa.#read(file, clock);
    if (ca !== undefined && ca.notAfter - clock.now() > LAST_DAYS_OF_ROOT * DAY) return ca;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileAtomic(file, makeRoot(clock.now()));
    const made = LocalCa.#read(file, clock);
    if (made === undefined) throw new Error(`${file} vanished`);
    if (ca === undefined) log.info({ file }, "local CA made");
    else log.warn({ file }, "the local CA came to its end, and a new one was made: run `steppe ca install` again");
    return made;
  }

  static #read(file: string, clock: Clock): LocalCa | undefined {
    try {
      const ca = new LocalCa(readFileSync(file, "latin1"), clock);
      if (!ca.#certificate.checkPrivateKey(ca.#key)) throw new Error("its key is not that of its certificate");
      return ca;
    } catch (error) {
      if (errno(error) === "ENOENT") return undefined;
      const cause = error instanceof Error ? error.message : String(error);
      const hint =
        "Restore the file from a backup, or remove it: a new CA is made, to be installed with `steppe ca install`.";
      throw new SteppeError(
        "CERTIFICATE_FAILED",
        { operation: "open CA", subject: file, cause, hint },
        { cause: error },
      );
    }
  }

  /** The root's certificate, PEM: what others are to trust. */
  get certificate(): string {
    return this.#certificate.toString();
  }

  /** Milliseconds since 1970. */
  get notAfter(): number {
    return this.#certificate.validToDate.getTime();
  }

  async issue(names: readonly string[]): Promise<string> {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const now = this.#clock.now();
    const certificate = signCertificate(
      {
        subject: names.find((name) => name.length <= MOST_COMMON_NAME) ?? null,
        issuer: this.#commonName,
        subjectKey: publicKey,
        notBefore: now - BACKDATED,
        notAfter: Math.min(now + LEAF_DAYS * DAY, this.notAfter),
        names,
        isCa: false,
      },
      this.#key,
    );
    return `${pemOf(privateKey)}${certificate}`;
  }

  owns(certificate: X509Certificate): boolean {
    return certificate.verify(createPublicKey(this.#key));
  }
}

function makeRoot(now: number): string {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  // Two machines' roots in one browser must not be taken for one another.
  const commonName = `Steppe local CA ${hostname().slice(0, 38)} ${keyId(publicKey).toString("hex", 0, 4)}`;
  const certificate = signCertificate(
    {
      subject: commonName,
      issuer: commonName,
      subjectKey: publicKey,
      notBefore: now - DAY,
      notAfter: now + ROOT_DAYS * DAY,
      names: [],
      isCa: true,
    },
    privateKey,
  );
  return `${pemOf(privateKey)}${certificate}`;
}

function pemOf(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}
