import { parseJson } from "../../../src/shared/json/parse-json.ts";
import { LineReader } from "./line-reader.ts";

const RETRY_MS = 50;

/** Reads Nomad's event stream from its beginning to the end of the recording, over as many connections as it takes, and tells each line. */
export class EventRecorder {
  readonly #upstream: string;
  readonly #key: string;
  readonly #signal: AbortSignal;
  readonly #onLine: (text: string) => void;
  #last: string | undefined;

  constructor(upstream: string, key: string, signal: AbortSignal, onLine: (text: string) => void) {
    this.#upstream = upstream;
    this.#key = key;
    this.#signal = signal;
    this.#onLine = onLine;
  }

  async run(): Promise<void> {
    while (!this.#signal.aborted) {
      try {
        await this.#read();
      } catch {
        // It was cut off, with Nomad or with the recording: it is taken up again, or over.
      }
      if (!this.#signal.aborted) await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  async #read(): Promise<void> {
    const index = this.#last === undefined ? "" : `${this.#key.includes("?") ? "&" : "?"}index=${this.#last}`;
    const { body } = await fetch(`${this.#upstream}${this.#key}${index}`, { signal: this.#signal });
    const lines = new LineReader((text) => {
      const { Index } = parseJson(text) as { Index?: bigint | number };
      if (Index !== undefined) this.#last = String(Index);
      this.#onLine(text);
    });
    if (body === null) return;
    for await (const chunk of body as AsyncIterable<Uint8Array>) lines.read(chunk);
  }
}
