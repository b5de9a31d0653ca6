import { randomUUID } from "node:crypto";
import { Semaphore } from "../../src/shared/semaphore.ts";
import { Numbers } from "../support/numbers.ts";
import { pageLayer, putBlob, putManifest, tinyImage } from "../support/tiny-image.ts";
import { type DeliverySender, pushEvent } from "./delivery-sender.ts";

/** Tags that are pushed at once, and deliveries on their way at once. */
const PUSHERS = 16;
const ON_THEIR_WAY = 200;

/** A tag that was pushed, and what it is. */
export interface PushedTag {
  app: string;
  tag: string;
  digest: string;
  /** The id of the event that tells of it. */
  event: string;
}

export interface TagBurstParts {
  /** The registry's. */
  host: string;
  apps: readonly string[];
  /** How many tags there will be, and how many deliveries: the others come twice. */
  tags: number;
  deliveries: number;
  sender: DeliverySender;
}

/**
 * Pushes tags to a registry, a different image each, and tells of them: of one half at once, as a registry does, of the other half in
 * bursts.
 */
export class TagBurst {
  readonly pushed: PushedTag[] = [];
  readonly #parts: TagBurstParts;
  readonly #numbers = new Numbers();
  readonly #places = new Semaphore(ON_THEIR_WAY);
  readonly #never = new AbortController().signal;
  /** Deliveries for the next burst. */
  #held: string[] = [];
  /** Of those that come twice, what is not sent the second time yet. */
  #again: string[] = [];
  #begun = 0;

  constructor(parts: TagBurstParts) {
    this.#parts = parts;
  }

  /** Resolves when all tags are pushed, and told of or held back. */
  async push(): Promise<void> {
    const { host, apps, tags } = this.#parts;
    const layer = await pageLayer("a page");
    await Promise.all(apps.map((app) => putBlob(host, `sites/${app}`, layer.layer)));
    const work = async (): Promise<void> => {
      for (let index = this.#begun++; index < tags; index = this.#begun++) await this.#push(index, layer);
    };
    await Promise.all(Array.from({ length: PUSHERS }, work));
  }

  /** Sends what was held back, and what comes again, all at once; resolves when all of it was answered. */
  async burst(): Promise<void> {
    const bodies = [...this.#held, ...this.#again];
    [this.#held, this.#again] = [[], []];
    await Promise.all(bodies.map((body) => this.#send(body)));
  }

  async #push(index: number, layer: Parameters<typeof tinyImage>[0]): Promise<void> {
    const { host, apps, tags, deliveries } = this.#parts;
    const app = apps[index % apps.length] ?? "";
    const repository = `sites/${app}`;
    const tag = `v${index}`;
    const image = tinyImage(layer, Date.UTC(2026, 0, 1) + index * 1000);
    await putBlob(host, repository, image.config);
    await putManifest(host, repository, tag, image);
    const event = randomUUID();
    const body = pushEvent({ id: event, host, repository, tag, digest: image.digest });
    this.pushed.push({ app, tag, digest: image.digest, event });
    if (index < deliveries - tags) this.#again.push(body);
    if (this.#numbers.below(2) === 0) this.#held.push(body);
    else await this.#send(body);
    // What comes again comes in the next burst, or between.
    if (this.#numbers.below(4) === 0) await this.#send(this.#again.pop());
  }

  async #send(body: string | undefined): Promise<void> {
    if (body === undefined) return;
    using _place = await this.#places.acquire(this.#never);
    await this.#parts.sender.send(body);
  }
}
