import type { Check } from "../../../consul/index.ts";
import type { AppDefinition } from "../../../config/index.ts";
import { oneLine } from "../../../shared/one-line.ts";

/** Statuses with which a program says that it is not ready yet. */
const NOT_YET = new Set([429, 503]);
/** What Consul's HTTP check says: `HTTP GET http://10.0.0.1:8080/: 404 Not Found Output: …` */
const ANSWERED = /^HTTP ([A-Z]+) (\S+): ([0-9]{3})\b/;

/** Whether an answer that fails a check will hardly become another by itself. */
export function isFinalAnswer(status: number): boolean {
  return !NOT_YET.has(status);
}

/** What a critical check says. */
export interface CheckFailure {
  /** `GET / answered 404, expected 200–399` */
  cause: string;
  /** Whether there was an answer that will hardly become another by itself. Else the program may still be starting. */
  isAnswer: boolean;
}

/** Undefined if the check has not been made yet. */
export function checkFailure(
  { output }: Pick<Check, "output">,
  check: AppDefinition["check"],
): CheckFailure | undefined {
  const text = output.trim();
  if (text === "") return undefined;
  const [, method, address = "", status] = ANSWERED.exec(text) ?? [];
  if (method === undefined || status === undefined) return { cause: oneLine(text), isAnswer: false };
  // Not every address of a check is a URL: of Fabio's own it is `http://[10.0.0.1]:9998/health`.
  const path = address.replace(/^[a-z]+:\/\/[^/?#]*/i, "");
  const isAnswer = isFinalAnswer(Number(status));
  return { cause: `${method} ${path} answered ${status}, expected ${expected(check)}`, isAnswer };
}

/** The statuses that pass, for a person: `200–399`. */
export function expected({ status: [lowest, highest] }: AppDefinition["check"]): string {
  return lowest === highest ? `${lowest}` : `${lowest}–${highest}`;
}
