import { Agent } from "node:http";
import { Deadline } from "../../../shared/http/deadline.ts";
import { type HttpAnswer, sendRequest } from "../../../shared/http/transport.ts";
import { TransportError } from "../../../shared/http/transport-error.ts";
import type { Clock } from "../../../shared/clock.ts";
import { SteppeError } from "../../../shared/errors.ts";
import { version } from "../../../shared/version.ts";
import type { ReleaseSpec } from "../../engine.ts";
import { expected } from "../failure/check-failure.ts";
import { instanceUrl } from "./instance-url.ts";

/** A text that the answer must contain is looked for in so many bytes. */
const MOST_BYTES = 4 * 1024 * 1024;

/**
 * Asks each instance of a release what the app's check asks, as Fabio would, for what Consul cannot check. Throws CHECK_FAILED with the answer that came.
 *
 * @param addresses where they are: `10.0.0.1:23456`
 */
export async function askInstances(
  release: ReleaseSpec,
  addresses: readonly string[],
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<void> {
  const agent = new Agent({ keepAlive: false });
  try {
    await Promise.all(addresses.map((address) => askOne(release, address, { agent, clock, signal })));
  } finally {
    agent.destroy();
  }
}

interface Asking {
  agent: Agent;
  clock: Clock;
  signal: AbortSignal;
}

async function askOne(release: ReleaseSpec, address: string, { agent, clock, signal }: Asking): Promise<void> {
  const { check, domains, name } = release.definition;
  const host = domains.find((domain) => !domain.includes("*")) ?? `${name}.localhost`;
  const times = { connect: check.timeoutMs, head: check.timeoutMs, idle: check.timeoutMs };
  const url = instanceUrl(address, check.path);
  const headers = { host, "accept-encoding": "identity", "user-agent": `steppe/${version} check` };
  // However lively it is.
  using deadline = new Deadline(clock, 3 * check.timeoutMs, signal);
  try {
    using answer = await sendRequest({ agent, clock, times }, { method: "GET", url, headers, signal: deadline.signal });
    const cause = await complaint(check, answer);
    if (cause !== undefined) throw failed(release, cause);
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    throw failed(release, `GET ${check.path} was not answered: ${address}: ${error.message}`, error);
  }
}

async function complaint(check: ReleaseSpec["definition"]["check"], answer: HttpAnswer): Promise<string | undefined> {
  const [lowest, highest] = check.status;
  if (answer.status < lowest || answer.status > highest)
    return `GET ${check.path} answered ${answer.status}, expected ${expected(check)}`;
  if (check.contains === null) return undefined;
  const found = await contains(answer, Buffer.from(check.contains));
  if (found === "there") return undefined;
  const where = found === "cut" ? ` in the first ${MOST_BYTES / 1024 / 1024} MB` : "";
  return `GET ${check.path} answered ${answer.status} without the text ${JSON.stringify(check.contains)}${where}`;
}

/** Whether a text is in the first bytes of an answer; `cut` if there are more. Of what was looked through, only what the text may begin with is kept. */
async function contains(answer: HttpAnswer, text: Buffer): Promise<"there" | "missing" | "cut"> {
  let kept = Buffer.alloc(0);
  let size = 0;
  for await (const chunk of answer.body()) {
    const window = Buffer.concat([kept, chunk]);
    if (window.includes(text)) return "there";
    size += chunk.length;
    if (size > MOST_BYTES) return "cut";
    kept = window.subarray(Math.max(0, window.length - text.length + 1));
  }
  return "missing";
}

function failed({ app, number }: ReleaseSpec, cause: string, error?: unknown): SteppeError {
  const parts = { operation: "check", subject: `${app}, release ${number}`, cause };
  return new SteppeError("CHECK_FAILED", parts, { cause: error });
}
