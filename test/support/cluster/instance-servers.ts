import type { ServerResponse } from "node:http";
import { type FakeServer, fakeServer, type Seen } from "../fake-server.ts";

/** Told of what an instance is asked, by its port. */
export type InstanceAnswerer = (port: number, seen: Seen, response: ServerResponse) => void;

/** Stand where instances of a cluster seem to be: at an address of the loopback that nobody else has. */
export class InstanceServers implements AsyncDisposable {
  readonly address: string;
  readonly #answer: InstanceAnswerer;
  readonly #servers = new Map<number, Promise<FakeServer>>();

  constructor(address: string, answer: InstanceAnswerer) {
    this.address = address;
    this.#answer = answer;
  }

  /** Resolves when there is one at each of the ports. */
  async open(ports: Iterable<number>): Promise<void> {
    for (const port of ports) {
      if (!this.#servers.has(port)) this.#servers.set(port, this.#listen(port));
    }
    await Promise.all(this.#servers.values());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers.values()) await (await server)[Symbol.asyncDispose]();
  }

  #listen(port: number): Promise<FakeServer> {
    return fakeServer((seen, response) => this.#answer(port, seen, response), undefined, {
      address: this.address,
      port,
    });
  }
}

/** The ports of services, in an answer of Consul's or Fabio's. */
export function portsOf(text: string): Set<number> {
  const found = [...text.matchAll(/"Port":\s?(\d+)/g)].map(([, port]) => Number(port));
  return new Set(found.filter((port) => port > 1023));
}
