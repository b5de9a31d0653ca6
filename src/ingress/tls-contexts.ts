import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { SecureContext } from "node:tls";
import { secureContext } from "../site-server/index.ts";

/** TLS contexts, made when a name is first asked for and kept in a cache of bounded size: each costs 32 KB. */
export class TlsContexts {
  readonly #folder: string;
  readonly #most: number;
  readonly #contexts = new Map<string, SecureContext>();

  /**
   * @param folder that of the certificates
   * @param most how many to keep
   */
  constructor(folder: string, most: number) {
    this.#folder = folder;
    this.#most = most;
  }

  /** Throws the system's error if the file cannot be read, or OpenSSL's if it holds no key and chain. */
  get(file: string): SecureContext {
    let context = this.#contexts.get(file);
    if (context === undefined) {
      const pem = this.read(file);
      context = secureContext({ key: pem, cert: pem });
    } else {
      this.#contexts.delete(file); // and to the end again: a Map keeps the order of insertion
    }
    this.#contexts.set(file, context);
    for (const oldest of this.#contexts.keys()) {
      if (this.#contexts.size <= this.#most) break;
      this.#contexts.delete(oldest);
    }
    return context;
  }

  /** The PEM file: key and chain. */
  read(file: string): Buffer {
    return readFileSync(join(this.#folder, file));
  }
}
