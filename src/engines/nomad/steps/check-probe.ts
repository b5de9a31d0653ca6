import { Agent } from "node:http";
import type { ServiceHealth } from "../../../consul/index.ts";
import type { CheckSpec, JobSpec, ServiceSpec } from "../../../nomad-api/index.ts";
import { sendRequest } from "../../../shared/http/transport.ts";
import { TransportError } from "../../../shared/http/transport-error.ts";
import { version } from "../../../shared/version.ts";
import { isFinalAnswer } from "../failure/check-failure.ts";
import { servicesOf } from "../job/services-of.ts";
import type { NomadParts } from "../parts.ts";
import { instanceUrl } from "./instance-url.ts";
import { addressOf, instancesOf } from "./served-instances.ts";

const TIMES = { connect: 300, head: 500, idle: 500 };

/** What a check of a job asks for. */
interface Question {
  service: string;
  path: string;
  headers: Record<string, string>;
}

/**
 * Asks instances what their HTTP checks ask. Consul's servers learn within moments that a check turned, but for minutes not that it fails in another way than before: that a
 * program which did not listen at first now answers 500. So whoever wants to know at once asks.
 */
export class CheckProbe implements Disposable {
  readonly #parts: Pick<NomadParts, "consul" | "clock">;
  readonly #questions: Question[];
  readonly #agent = new Agent({ keepAlive: false });

  constructor(parts: Pick<NomadParts, "consul" | "clock">, job: JobSpec) {
    this.#parts = parts;
    this.#questions = questionsOf(job);
  }

  /**
   * Of those allocations that answer, but otherwise than their check wants: what came, as "GET / answered 404", by the allocation's id. Of one that cannot be reached from
   * here nothing is known.
   */
  async wrongAnswers(allocations: readonly string[], signal: AbortSignal): Promise<Map<string, string>> {
    const wrong = new Map<string, string>();
    if (allocations.length === 0 || this.#questions.length === 0) return wrong;
    const names = this.#questions.map(({ service }) => service);
    const instances = await instancesOf(this.#parts, names, signal);
    const asked = allocations.flatMap((id) =>
      instances.filter(({ instance }) => instance.id.includes(id)).map((instance) => ({ id, instance })),
    );
    await Promise.all(
      asked.map(async ({ id, instance }) => {
        const cause = await this.#ask(instance, signal);
        if (cause !== undefined) wrong.set(id, cause);
      }),
    );
    return wrong;
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  async #ask(instance: ServiceHealth, signal: AbortSignal): Promise<string | undefined> {
    for (const { service, path, headers } of this.#questions) {
      if (service !== instance.instance.name) continue;
      const status = await this.#statusOf(instanceUrl(addressOf(instance), path), headers, signal);
      if (status !== undefined && status >= 400 && isFinalAnswer(status)) return `GET ${path} answered ${status}`;
    }
    return undefined;
  }

  /** Undefined if there was no answer. */
  async #statusOf(url: URL, headers: Record<string, string>, signal: AbortSignal): Promise<number | undefined> {
    const { clock } = this.#parts;
    try {
      const transport = { agent: this.#agent, clock, times: TIMES };
      using answer = await sendRequest(transport, { method: "GET", url, headers, signal });
      return answer.status;
    } catch (error) {
      if (error instanceof TransportError) return undefined;
      throw error;
    }
  }
}

function questionsOf(job: JobSpec): Question[] {
  const names = servicesOf(job).map(({ name }) => name);
  return specsOf(job).flatMap((service, at) => {
    const checks = (service.Checks ?? []).filter((check) => isPlainGet(check, service));
    return checks.map((check) => ({ service: names[at] ?? "", path: check.Path ?? "/", headers: headersOf(check) }));
  });
}

/** In the order of `servicesOf`. */
function specsOf(job: JobSpec): ServiceSpec[] {
  return (job.TaskGroups ?? [])
    .flatMap(({ Services, Tasks }) => [...(Services ?? []), ...(Tasks ?? []).flatMap((task) => task.Services ?? [])])
    .filter(({ Provider }) => (Provider ?? "consul") === "consul");
}

function isPlainGet({ Type, Method, PortLabel, Protocol, Body }: CheckSpec, service: ServiceSpec): boolean {
  const isOwnPort = !PortLabel || PortLabel === service.PortLabel;
  return Type === "http" && (!Method || Method === "GET") && (!Protocol || Protocol === "http") && !Body && isOwnPort;
}

function headersOf({ Header }: CheckSpec): Record<string, string> {
  const headers: Record<string, string> = { "user-agent": `steppe/${version} check` };
  for (const [name, [value]] of Object.entries(Header ?? {}))
    if (value !== undefined) headers[name.toLowerCase()] = value;
  return headers;
}
