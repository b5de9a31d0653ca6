/** What is read of a job's instances. */
export interface PlainInstance {
  id: string;
  version: number;
  /** Unix time in milliseconds. */
  createdAt: number;
  isWanted: boolean;
  hasEnded: boolean;
}

/** What is read of a job's deployment. */
export interface PlainDeployment {
  status: string;
  jobModifyIndex: number;
}

type Json = Record<string, unknown>;

/** Nomad by its HTTP API and nothing else: what Steppe is measured against. */
export class PlainNomad {
  readonly #address: string;

  /** @param address `http://127.0.0.1:4646` */
  constructor(address: string) {
    this.#address = address;
  }

  /** As it is registered, as text. */
  async readJob(id: string): Promise<string> {
    return await this.#text("GET", `/v1/job/${id}`);
  }

  /** Resolves with the index of the registration. */
  async register(job: object): Promise<number> {
    const answer = (await this.#json("PUT", "/v1/jobs", { Job: job })) as { JobModifyIndex: number };
    return answer.JobModifyIndex;
  }

  async remove(id: string): Promise<void> {
    await this.#text("DELETE", `/v1/job/${id}?purge=true`);
  }

  /** The newest first. */
  async deployments(id: string): Promise<PlainDeployment[]> {
    const all = (await this.#json("GET", `/v1/job/${id}/deployments`)) as Json[];
    return all
      .toSorted((a, b) => Number(b["CreateIndex"]) - Number(a["CreateIndex"]))
      .map((one) => ({ status: String(one["Status"]), jobModifyIndex: Number(one["JobSpecModifyIndex"]) }));
  }

  async newestDeployment(id: string): Promise<PlainDeployment | undefined> {
    const [newest] = await this.deployments(id);
    return newest;
  }

  async instances(id: string): Promise<PlainInstance[]> {
    const all = (await this.#json("GET", `/v1/job/${id}/allocations`)) as Json[];
    return all.map((one) => ({
      id: String(one["ID"]),
      version: Number(one["JobVersion"]),
      createdAt: Number(one["CreateTime"]) / 1e6,
      isWanted: one["DesiredStatus"] === "run",
      hasEnded: ["complete", "failed", "lost"].includes(String(one["ClientStatus"])),
    }));
  }

  /**
   * Resolves when the servers know that an instance of the job is healthy that was made since then.
   *
   * @param since Unix time in milliseconds
   */
  async untilHealthy(id: string, since: number, signal: AbortSignal): Promise<void> {
    for (let index = "0"; ;) {
      const answer = await fetch(`${this.#address}/v1/job/${id}/allocations?index=${index}&wait=60s`, { signal });
      if (!answer.ok) throw new Error(`the allocations of ${id} were answered ${answer.status}`);
      index = answer.headers.get("x-nomad-index") ?? "0";
      const all = (await answer.json()) as Array<{ CreateTime: number; DeploymentStatus?: { Healthy?: boolean } }>;
      if (all.some((one) => one.CreateTime / 1e6 >= since && one.DeploymentStatus?.Healthy === true)) return;
    }
  }

  /** Where an instance listens: `http://127.0.0.1:23456`. */
  async addressOf(instance: string): Promise<string> {
    const { AllocatedResources } = (await this.#json("GET", `/v1/allocation/${instance}`)) as {
      AllocatedResources: { Shared: { Ports: Array<{ HostIP: string; Value: number }> } };
    };
    const [port] = AllocatedResources.Shared.Ports;
    if (port === undefined) throw new Error(`${instance} has no port`);
    return `http://${port.HostIP}:${port.Value}`;
  }

  /** Forgets what has ended. */
  async collectGarbage(): Promise<void> {
    await this.#text("PUT", "/v1/system/gc");
  }

  /** All of a kind: `/v1/deployments`. */
  async list(path: string): Promise<Json[]> {
    return (await this.#json("GET", path)) as Json[];
  }

  async #json(method: string, path: string, body?: object): Promise<unknown> {
    return JSON.parse(await this.#text(method, path, body)) as unknown;
  }

  async #text(method: string, path: string, body?: object): Promise<string> {
    const answer = await fetch(`${this.#address}${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path} was answered ${answer.status}: ${text}`);
    return text;
  }
}
