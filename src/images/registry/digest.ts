import { createHash, type Hash } from "node:crypto";

/** Computes a digest of the same kind as `like` over bytes as they come. */
export class DigestCheck {
  readonly #algorithm: string;
  readonly #hash: Hash;

  /** @param like `sha256:…` or `sha512:…` */
  constructor(like: string) {
    this.#algorithm = like.slice(0, like.indexOf(":"));
    this.#hash = createHash(this.#algorithm);
  }

  update(bytes: Uint8Array): this {
    this.#hash.update(bytes);
    return this;
  }

  /** The digest of all that came. It can be asked for once. */
  digest(): string {
    return `${this.#algorithm}:${this.#hash.digest("hex")}`;
  }
}

/** The digest of these bytes, of the same kind as `like`. */
export function digestLike(like: string, bytes: Uint8Array): string {
  return new DigestCheck(like).update(bytes).digest();
}
