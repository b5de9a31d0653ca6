/** What is held of requests that came before their turn, bytes. */
const MOST_WAITING = 64 << 10;
/** So many requests may wait behind one whose answer takes time. */
const MOST_PIPELINED = 32;
const HEAD_END = "\r\n\r\n";

/** What came on a connection and was not read yet: the begin of a head, or requests whose turn has not come. */
export class HeldRequests {
  #bytes: Buffer | undefined;

  /** Undefined if there is nothing. */
  get bytes(): Buffer | undefined {
    return this.#bytes;
  }

  /** Puts `bytes`, from `from` on, in place of what there was. */
  set(bytes: Buffer, from: number): void {
    this.#bytes = from === 0 ? bytes : bytes.subarray(from);
  }

  /** Puts `bytes`, from `from` on, behind what there was. */
  add(bytes: Buffer, from: number): void {
    const rest = from === 0 ? bytes : bytes.subarray(from);
    this.#bytes = this.#bytes === undefined ? rest : Buffer.concat([this.#bytes, rest]);
  }

  /** Takes all away. */
  clear(): void {
    this.#bytes = undefined;
  }

  /** It is so much that nothing more should be read. */
  get isMuch(): boolean {
    return this.#bytes !== undefined && this.#bytes.length >= MOST_WAITING;
  }

  /** More requests are in it than may wait behind one whose answer takes time. */
  get areMany(): boolean {
    const bytes = this.#bytes;
    if (bytes === undefined) return false;
    let heads = 0;
    for (let at = bytes.indexOf(HEAD_END); at !== -1; at = bytes.indexOf(HEAD_END, at + HEAD_END.length)) heads++;
    return heads > MOST_PIPELINED;
  }
}
