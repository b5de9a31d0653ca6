import { Agent as HttpAgent, request as requestHttp } from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import type { RunningSteppe } from "../support/steppe.ts";
import { HOST, readPage } from "./soak-site.ts";

interface Target {
  name: string;
  address: string;
  ca: string;
  keepAlive: boolean;
}

/**
 * Visitors that never stop: by HTTP and HTTPS, on kept-alive and on new connections. Each asks for the page, then for the style
 * sheet that it names, then for a big file, and notes whatever failed or was not wholly of one release.
 */
export class Load implements AsyncDisposable {
  readonly problems: string[] = [];
  requests = 0;
  readonly #stopped = new AbortController();
  readonly #visitors: Promise<void>[] = [];

  /** @param each how many visitors of each of the four kinds */
  static async start(steppe: RunningSteppe, each = 2): Promise<Load> {
    const load = new Load();
    const ca = await (await fetch(`${steppe.addresses.api}/v1/ca`)).text();
    for (const keepAlive of [true, false]) {
      for (const address of [steppe.addresses.http, steppe.addresses.https]) {
        const name = `${new URL(address).protocol} ${keepAlive ? "kept-alive" : "new"}`;
        for (let visitor = 0; visitor < each; visitor++)
          load.#visitors.push(load.#visit({ name, address, ca, keepAlive }));
      }
    }
    return load;
  }

  /** Lets each visitor finish what it is at. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await Promise.all(this.#visitors);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #visit(target: Target): Promise<void> {
    const options = { keepAlive: target.keepAlive, maxSockets: 1 };
    const agent = target.address.startsWith("https:") ? new HttpsAgent(options) : new HttpAgent(options);
    while (!this.#stopped.signal.aborted) {
      try {
        await this.#round(target, agent);
      } catch (error) {
        this.problems.push(
          `${new Date().toISOString()} ${target.name}: ${error instanceof Error ? error.message : String(error)}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    agent.destroy();
  }

  async #round(target: Target, agent: HttpAgent): Promise<void> {
    const page = readPage(await this.#get(target, agent, "/"));
    if (page === undefined) throw new Error("the page is not wholly of one release");
    const style = await this.#get(target, agent, page.style);
    if (!style.startsWith(`/* ${page.version} */`))
      throw new Error(`${page.style} is not of ${page.version}: ${style.slice(0, 60)}`);
    const lines = (await this.#get(target, agent, "/big.txt")).split("\n");
    if (lines[0] !== lines[2]) throw new Error(`big.txt begins as ${lines[0]} and ends as ${lines[2]}`);
  }

  #get({ address, ca }: Target, agent: HttpAgent, path: string): Promise<string> {
    const { hostname, port, protocol } = new URL(address);
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const options = { agent, hostname, port, path, headers: { host: HOST }, ca, servername: HOST, timeout: 30_000 };
    const asking = (protocol === "https:" ? requestHttps : requestHttp)(options, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text += chunk));
      response.on("error", reject);
      response.on("end", () => {
        this.requests++;
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`GET ${path} was answered ${response.statusCode}`));
      });
    });
    asking.on("timeout", () => asking.destroy(new Error(`GET ${path} was not answered in 30 s`)));
    asking.on("error", (error) => reject(new Error(`GET ${path}: ${error.message}`, { cause: error })));
    asking.end();
    return promise;
  }
}
