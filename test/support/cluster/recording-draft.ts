import type { ClusterRecording, EventLine, Exchange, StateChange } from "./cluster-recording.ts";
import { ownEvents } from "./own-events.ts";
import { thinVisits } from "./thin-visits.ts";

type WithText<Kept extends { text: number }> = Omit<Kept, "text"> & { text: string };

/** What was recorded so far. */
export class RecordingDraft {
  readonly #recording: ClusterRecording;
  readonly #texts = new Map<string, number>();

  constructor({ versions, registry }: Pick<ClusterRecording, "versions" | "registry">, startedAt = Date.now()) {
    const lists = { states: [], lines: [], exchanges: [], acts: [], outages: [], texts: [] };
    this.#recording = { versions, registry, startedAt, images: {}, ...lists };
  }

  /** Milliseconds since 1970. */
  get startedAt(): number {
    return this.#recording.startedAt;
  }

  /** Milliseconds since the beginning. */
  now(): number {
    return Date.now() - this.#recording.startedAt;
  }

  image(key: string, digest: string): void {
    this.#recording.images[key] = digest;
  }

  state({ index, ...state }: Omit<WithText<StateChange>, "index"> & { index?: string | undefined }): void {
    this.#recording.states.push({
      ...state,
      ...(index === undefined ? {} : { index }),
      text: this.#numberOf(state.text),
    });
  }

  line({ text, ...line }: WithText<EventLine>): void {
    this.#recording.lines.push({ ...line, text: this.#numberOf(text) });
  }

  exchange({ body, text, ...exchange }: Omit<WithText<Exchange>, "body"> & { body: string }): void {
    this.#recording.exchanges.push({ ...exchange, body: this.#numberOf(body), text: this.#numberOf(text) });
  }

  outage(service: ClusterRecording["outages"][number]["service"], from: number): void {
    this.#recording.outages.push({ service, from, to: this.now() });
  }

  /** Runs what a test does to a service. */
  async act(what: string, run: () => Promise<void>): Promise<void> {
    const from = this.now();
    await run();
    this.#recording.acts.push({ from, to: this.now(), what });
  }

  /** All of it that has to do with the story's apps, ready to be told again. `tidy` makes texts of what is kept the same on all machines. */
  finish(tidy: (text: string) => string): ClusterRecording {
    const { states, lines, exchanges, acts, outages, texts, ...facts } = this.#recording;
    const jobs = Object.keys(facts.images).map((key) => key.split(" ")[0] ?? "");
    const kept = new RecordingDraft(facts, facts.startedAt);
    const textOf = (number: number): string => tidy(texts[number] ?? "");
    for (const state of states) kept.state({ ...state, text: textOf(state.text) });
    for (const line of lines) {
      const text = ownEvents(textOf(line.text), jobs);
      if (text !== undefined) kept.line({ ...line, text });
    }
    for (const one of thinVisits(exchanges)) kept.exchange({ ...one, body: textOf(one.body), text: textOf(one.text) });
    return { ...kept.#recording, images: facts.images, acts, outages };
  }

  #numberOf(text: string): number {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    const number = this.#recording.texts.push(text) - 1;
    this.#texts.set(text, number);
    return number;
  }
}
