import { type Answerer, type FakeServer, withFakeServer } from "../../test/support/fake-server.ts";
import { ImpatientClock } from "../../test/support/impatient-clock.ts";
import type { Environment } from "../shared/http-api/environment.ts";
import type { Consul } from "./consul.ts";
import { openConsul } from "./open-consul.ts";
import { consulOptions } from "./options.ts";

export interface TestConsul extends AsyncDisposable {
  consul: Consul;
  clock: ImpatientClock;
}

/** A client without a will of its own: it does not wait, and jitter is none. */
export function testConsul(environment: Environment): TestConsul {
  const clock = new ImpatientClock();
  const consul = openConsul(consulOptions(environment), { clock, random: () => 0.5 });
  return { consul, clock, [Symbol.asyncDispose]: async () => consul[Symbol.dispose]() };
}

/** A Consul that answers as the test likes. */
export function fakeConsul(
  answer: Answerer,
  environment: Environment = {},
): Promise<TestConsul & Pick<FakeServer, "host" | "seen">> {
  return withFakeServer(answer, (host) => testConsul({ CONSUL_HTTP_ADDR: host, ...environment }));
}
