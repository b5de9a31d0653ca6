import type { ServerResponse } from "node:http";
import { type FakeServer, fakeServer } from "../fake-server.ts";
import { forward } from "./forward.ts";
import { isMutation } from "./mutation.ts";

/** What stands between a control that dies and its cluster. */
export interface DyingProxy extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` of each. */
  readonly addresses: { nomad: string; consul: string };
}

/**
 * Passes on what changes nothing, and of what does only so much: a change dies before it reaches the cluster, the next time just after it was made, and then
 * nothing is passed on any more. It is refused, since one that is only not answered would be asked again.
 *
 * @param effects how often it might have died and did not
 */
export async function dyingProxy(upstreams: { nomad: string; consul: string }, effects: number): Promise<DyingProxy> {
  let left = effects;
  let isDead = false;
  const dies = (): boolean => {
    isDead ||= left-- <= 0;
    return isDead;
  };
  const serve = (upstream: string): Promise<FakeServer> =>
    fakeServer((seen, response) => {
      if (isDead || (isMutation(seen) && dies())) refuse(response);
      else if (isMutation(seen)) forward(upstream, seen, unlessDead(response, dies));
      else forward(upstream, seen, response);
    });
  const [nomad, consul] = await Promise.all([serve(upstreams.nomad), serve(upstreams.consul)]);
  return {
    addresses: { nomad: `http://${nomad.host}`, consul: `http://${consul.host}` },
    [Symbol.asyncDispose]: async () => {
      await nomad[Symbol.asyncDispose]();
      await consul[Symbol.asyncDispose]();
    },
  };
}

function refuse(response: ServerResponse): void {
  response.writeHead(403, { "content-type": "text/plain" }).end("control was killed");
}

/** The same response, whose head says that it died if it does so then. */
function unlessDead(response: ServerResponse, dies: () => boolean): ServerResponse {
  const { writeHead } = response;
  response.writeHead = ((...args: Parameters<ServerResponse["writeHead"]>) => {
    response.writeHead = writeHead;
    return dies() ? writeHead.call(response, 403, { "content-type": "text/plain" }) : writeHead.apply(response, args);
  }) as ServerResponse["writeHead"];
  return response;
}
