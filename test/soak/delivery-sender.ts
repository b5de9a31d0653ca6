/** Milliseconds after which what got no answer is sent again, as CNCF Distribution does. */
const BACKOFF_MS = 100;
const TIMEOUT_MS = 10_000;

/** Sends deliveries of a registry, each again and again until it is answered with 2xx. */
export class DeliverySender {
  #answered = 0;
  /** Sent again, because there was no answer. */
  #retries = 0;
  /** Milliseconds of each answer. */
  readonly #times: number[] = [];
  readonly #odd: string[] = [];
  readonly #url: string;
  readonly #secret: string;

  constructor(url: string, secret: string) {
    this.#url = url;
    this.#secret = secret;
  }

  async send(body: string): Promise<void> {
    for (;;) {
      const begin = performance.now();
      const status = await this.#post(body);
      if (status !== undefined) this.#times.push(performance.now() - begin);
      if (status === 200 || status === 202) {
        this.#answered++;
        return;
      }
      if (status !== undefined && status !== 503) this.#odd.push(`a delivery was answered ${status}`);
      this.#retries++;
      await new Promise((resolve) => setTimeout(resolve, BACKOFF_MS));
    }
  }

  summary(): Record<string, number> {
    const ms = {
      "ms for half of the answers": this.#within(0.5),
      "ms for 99 of 100": this.#within(0.99),
      "ms for the slowest": this.#within(1),
    };
    return { deliveries: this.#answered, retries: this.#retries, ...ms };
  }

  /**
   * @param expected how many deliveries were to be sent
   * @param answerMs milliseconds that 99 of 100 answers may take; this process is as busy as the one that answers
   */
  problems(expected: number, answerMs: number): string[] {
    const within = this.#within(0.99);
    return [
      ...this.#odd,
      ...(this.#answered === expected ? [] : [`${this.#answered} deliveries were answered, and not ${expected}`]),
      ...(within <= answerMs ? [] : [`99 of 100 deliveries were answered within ${within} ms`]),
    ];
  }

  /** Milliseconds within which this share of the answers came. */
  #within(share: number): number {
    const sorted = this.#times.toSorted((one, other) => one - other);
    return Math.round(sorted[Math.ceil(sorted.length * share) - 1] ?? 0);
  }

  /** The status, or undefined if there was no answer. */
  async #post(body: string): Promise<number | undefined> {
    try {
      const answer = await fetch(this.#url, {
        method: "POST",
        headers: {
          authorization: `Bearer ${this.#secret}`,
          "content-type": "application/vnd.docker.distribution.events.v2+json",
        },
        body,
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      await answer.arrayBuffer();
      return answer.status;
    } catch {
      return undefined; // control was killed, or is not there yet
    }
  }
}

/** The envelope in which a registry tells of a pushed tag. */
export function pushEvent(event: {
  id: string;
  host: string;
  repository: string;
  tag: string;
  digest: string;
}): string {
  const { id, host, repository, tag, digest } = event;
  return JSON.stringify({
    events: [
      {
        id,
        timestamp: new Date().toISOString(),
        action: "push",
        target: { mediaType: "application/vnd.oci.image.manifest.v1+json", repository, tag, digest },
        request: { host },
      },
    ],
  });
}
