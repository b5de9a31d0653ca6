import { type Answerer, type FakeServer, withFakeServer } from "../../test/support/fake-server.ts";
import { ImpatientClock } from "../../test/support/impatient-clock.ts";
import type { Environment } from "../shared/http-api/environment.ts";
import type { Nomad, NomadClientOptions } from "./nomad.ts";
import { openNomad } from "./open-nomad.ts";
import { nomadOptions } from "./options.ts";

export interface TestNomad extends AsyncDisposable {
  nomad: Nomad;
  clock: ImpatientClock;
}

/** A client without a will of its own: it does not wait, and jitter is none. */
export function testNomad(environment: Environment, client: Partial<NomadClientOptions> = {}): TestNomad {
  const clock = new ImpatientClock();
  const nomad = openNomad(nomadOptions(environment), { clock, random: () => 0.5, ...client });
  return { nomad, clock, [Symbol.asyncDispose]: async () => nomad[Symbol.dispose]() };
}

/** A Nomad that answers as the test likes. */
export function fakeNomad(
  answer: Answerer,
  environment: Environment = {},
  client: Partial<NomadClientOptions> = {},
): Promise<TestNomad & Pick<FakeServer, "host" | "seen">> {
  return withFakeServer(answer, (host) => testNomad({ NOMAD_ADDR: host, ...environment }, client));
}
