import { env } from "node:process";
import { replay } from "./replay.ts";

/** What a contract runs against: a replay of the story, or the real one. */
export interface ContractPeer extends AsyncDisposable {
  /** The environment in which a client finds it. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly real: boolean;
}

const ADDRESSES = { consul: "CONSUL_HTTP_ADDR", nomad: "NOMAD_ADDR" } as const;

/** The real one where its address is in the environment; else a replay in which each request must be the next one of the story. */
export async function contract(system: "consul" | "nomad", story: readonly string[]): Promise<ContractPeer> {
  const name = ADDRESSES[system];
  if ((env[name] ?? "") !== "") return { environment: env, real: true, [Symbol.asyncDispose]: async () => {} };
  const server = await replay(system, story);
  return {
    environment: { [name]: server.address },
    real: false,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
