import { env } from "node:process";
import { isLoopback } from "../../src/shared/loopback.ts";
import { replay } from "./replay.ts";

/** What a contract runs against: a replay of the story, or the real one. */
export interface ContractPeer extends AsyncDisposable {
  /** The environment in which a client finds it. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly real: boolean;
}

const ADDRESSES = { consul: "CONSUL_HTTP_ADDR", nomad: "NOMAD_ADDR" } as const;

/**
 * The real one where its address is in the environment; else a replay in which each request must be the next one of the story. A contract writes and
 * deletes: a real one that is not on this machine's loopback, and so may be somebody's, is not touched.
 */
export async function contract(system: "consul" | "nomad", story: readonly string[]): Promise<ContractPeer> {
  const name = ADDRESSES[system];
  const address = env[name] ?? "";
  if (address !== "") {
    const url = address.includes("://") ? address : `http://${address}`;
    if (!url.startsWith("unix:") && !isLoopback(url))
      throw new Error(`${name}: tests write only to what is on loopback`);
    return { environment: env, real: true, [Symbol.asyncDispose]: async () => {} };
  }
  const server = await replay(system, story);
  return {
    environment: { [name]: server.address },
    real: false,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
