export interface SampledAnswer {
  /** Since 1970, milliseconds: when it was asked, or, since it waited for it, when it came. */
  at: number;
  status: number;
  type: string;
  text: string;
  index: string | undefined;
}

export interface SamplerOptions {
  upstream: string;
  /** The target, without an index. */
  key: string;
  /** Undefined: it cannot be waited on, and is looked at often. */
  indexField: string | undefined;
  signal: AbortSignal;
  /** Told of the first answer and of each that is another. */
  onAnswer(answer: SampledAnswer): void;
  onFailure(): void;
}

/** After so long without anybody who wants to know, it is not asked any more. */
const WANTED_MS = 15_000;
const LOOK_MS = 20;
const RETRY_MS = 50;

/** Asks a question again and again, and tells what is answered from when on. */
export class StateSampler {
  readonly #options: SamplerOptions;
  #wantedAt = Date.now();
  #last: SampledAnswer | undefined;

  constructor(options: SamplerOptions) {
    this.#options = options;
  }

  /** Somebody asked it just now. */
  wanted(): void {
    this.#wantedAt = Date.now();
  }

  async run(): Promise<void> {
    const { signal, indexField } = this.#options;
    while (!signal.aborted && Date.now() - this.#wantedAt < WANTED_MS) {
      const isAnswered = await this.#ask();
      if (!isAnswered) await pause(RETRY_MS);
      else if (indexField === undefined || this.#last?.index === undefined) await pause(LOOK_MS);
    }
  }

  async #ask(): Promise<boolean> {
    const { signal, onFailure } = this.#options;
    try {
      const answer = await this.#fetch();
      if (answer.status >= 500) this.#last = undefined;
      else this.#tell(answer);
      return answer.status < 500;
    } catch {
      // What it stands for is told: that the service is away.
      if (!signal.aborted) onFailure();
      this.#last = undefined;
      return false;
    }
  }

  async #fetch(): Promise<SampledAnswer> {
    const { upstream, indexField, signal } = this.#options;
    const isWaiting = this.#last?.index !== undefined;
    const begun = Date.now();
    const answer = await fetch(`${upstream}${this.#target()}`, { signal });
    const text = await answer.text();
    const index = indexField === undefined ? undefined : (answer.headers.get(indexField) ?? undefined);
    const type = answer.headers.get("content-type") ?? "";
    return { at: isWaiting ? Date.now() : begun, status: answer.status, type, text, index };
  }

  #tell(answer: SampledAnswer): void {
    const { text, index, status } = answer;
    if (text === this.#last?.text && index === this.#last.index && status === this.#last.status) return;
    this.#last = answer;
    this.#options.onAnswer(answer);
  }

  #target(): string {
    const { key, indexField } = this.#options;
    const index = this.#last?.index;
    if (indexField === undefined || index === undefined) return key;
    return `${key}${key.includes("?") ? "&" : "?"}index=${index}&wait=5s`;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
