import { isDeepStrictEqual } from "node:util";
import { parseJson } from "../../../src/shared/json/parse-json.ts";
import type { Asked, ClusterRecording, Exchange } from "./cluster-recording.ts";
import { isMutation, pathOf } from "./mutation.ts";

export interface AskedRequest {
  asked: Asked;
  method: string;
  target: string;
  body: string;
}

/** The hash of an app's definition, which is another whenever definitions get another key. */
const DEFINITION = /"steppe_definition":"([0-9a-f]+)"/;

/** Requests whose answers were recorded one by one: changes, each once and in their order, and questions that are answered as of a time. */
export class RecordedExchanges {
  readonly changes: readonly Exchange[];
  readonly #questions: ReadonlyMap<string, Exchange[]>;
  readonly #texts: readonly string[];
  readonly #done = new Set<Exchange>();
  readonly #renames = new Map<string, string>();

  constructor({ exchanges, texts }: ClusterRecording) {
    this.#texts = texts;
    this.changes = exchanges.filter(isMutation);
    const questions = exchanges.filter((exchange) => !isMutation(exchange));
    this.#questions = Map.groupBy(questions, (exchange) => keyOf(this.#request(exchange)));
  }

  /** The recorded change that this is; or why it is none. */
  takeChange(request: AskedRequest): Exchange | string {
    const subject = subjectOf(request);
    const next = this.changes.find((one) => !this.#done.has(one) && subjectOf(this.#request(one)) === subject);
    if (next === undefined) return `there is no more change of ${subject} in the story: ${describe(request)}`;
    const expected = this.#request(next);
    if (!isSame(expected, request)) return `in place of ${describe(expected)} came ${describe(request)}`;
    this.#rename(expected.body, request.body);
    this.#done.add(next);
    return next;
  }

  /** What was recorded, as whoever asks now knows it. */
  renamed(text: string): string {
    let renamed = text;
    for (const [recorded, now] of this.#renames) renamed = renamed.replaceAll(recorded, now);
    return renamed;
  }

  /**
   * The answer of a question: the next that was given from now on, before a limit; else the last; undefined if it was never asked.
   */
  answer(request: AskedRequest, now: number, limit: number): Exchange | undefined {
    const known = this.#questions.get(keyOf(request)) ?? [];
    const next = known.find((one) => one.from >= now && !this.#done.has(one));
    const found =
      next === undefined || next.from > limit ? (known.findLast(({ from }) => from <= now) ?? known[0]) : next;
    if (found !== undefined) this.#done.add(found);
    return found;
  }

  /** Where instances were asked. */
  instancePorts(): Set<number> {
    const targets = [...this.#questions.values()].flatMap(([one]) => (one?.asked === "instance" ? [one.target] : []));
    return new Set(targets.map((target) => Number(/^:(\d+)/.exec(target)?.[1])));
  }

  #rename(recorded: string, now: string): void {
    const [before, after] = [DEFINITION.exec(recorded)?.[1], DEFINITION.exec(now)?.[1]];
    if (before !== undefined && after !== undefined && before !== after) this.#renames.set(before, after);
  }

  #request(exchange: Exchange): AskedRequest {
    return { ...exchange, body: this.#texts[exchange.body] ?? "" };
  }
}

function keyOf({ asked, method, target, body }: AskedRequest): string {
  return [asked, method, target, withoutDefinition(body)].join(" ");
}

export function describe({ method, target, body }: Omit<AskedRequest, "asked">): string {
  return `${method} ${target} ${body.length > 2000 ? `${body.slice(0, 2000)}…` : body}`.trim();
}

/** What a change is about: those of one subject have an order. Some say it in their path, some in their body. */
function subjectOf({ method, target, body, asked }: AskedRequest): string {
  const told = bodyOf(body);
  const { ID, Job } = (typeof told === "object" && told !== null ? told : {}) as { ID?: string; Job?: { ID?: string } };
  return [asked, method, pathOf(target), Job?.ID ?? ID ?? ""].join(" ").trimEnd();
}

function isSame(one: AskedRequest, other: AskedRequest): boolean {
  return (
    one.asked === other.asked &&
    one.method === other.method &&
    one.target === other.target &&
    isDeepStrictEqual(bodyOf(withoutDefinition(one.body)), bodyOf(withoutDefinition(other.body)))
  );
}

function withoutDefinition(body: string): string {
  return body.replace(DEFINITION, '"steppe_definition":""');
}

function bodyOf(text: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}
