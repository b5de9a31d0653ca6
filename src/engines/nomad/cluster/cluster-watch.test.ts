import type { ServerResponse } from "node:http";
import { describe, expect, test } from "vitest";
import type { Seen } from "../../../../test/support/fake-server.ts";
import { until } from "../../../../test/support/until.ts";
import { fakeConsul } from "../../../consul/fakes.ts";
import { fakeNomad } from "../../../nomad-api/fakes.ts";
import { FakeClock } from "../../../shared/clock.ts";
import { type Logger, silentLogger } from "../../../shared/log.ts";
import { ClusterWatch } from "./cluster-watch.ts";
import { LATER } from "./job-watch.ts";

/** Nomad and Consul as a watch of the cluster sees them: a stream of events, and a query that blocks. */
class FakeCluster {
  nomad: "there" | "away" | "denied" = "there";
  consul: "there" | "away" = "there";
  critical: object[] = [];
  /** How often everything that a job has was asked for. */
  refreshes = 0;
  /** Of which services the checks were asked for. */
  asked: string[] = [];
  streams: ServerResponse[] = [];
  #blocked: ServerResponse[] = [];
  #index = 100;

  readonly answerNomad = ({ target }: Seen, response: ServerResponse): void => {
    if (this.nomad === "away") response.destroy();
    else if (target.startsWith("/v1/event/stream")) this.#stream(response);
    else {
      if (target.includes("/allocations")) this.refreshes++;
      response.end("[]");
    }
  };

  readonly answerConsul = ({ target }: Seen, response: ServerResponse): void => {
    if (this.consul === "away") response.destroy();
    else if (target.startsWith("/v1/health/state/critical")) {
      const index = new URL(target, "http://consul").searchParams.get("index");
      if (index === String(this.#index)) this.#blocked.push(response);
      else this.#answerState(response);
    } else {
      const service = target.replace(/^.*\/|\?.*$/g, "");
      this.asked.push(service);
      response.end(JSON.stringify(this.critical.filter((check) => Object.values(check).includes(service))));
    }
  };

  /** What is critical is something else now. */
  tellCritical(checks: object[]): void {
    this.critical = checks;
    this.#index++;
    for (const response of this.#blocked.splice(0)) this.#answerState(response);
  }

  tellEvent(topic: string, payload: object, index = 1): void {
    const event = { Topic: topic, Type: "Updated", Key: "k", Namespace: "default", Index: index, Payload: payload };
    for (const stream of this.streams) stream.write(`${JSON.stringify({ Index: index, Events: [event] })}\n`);
  }

  /** Both go, with every connection that there is. */
  breakOff(): void {
    for (const response of [...this.streams.splice(0), ...this.#blocked.splice(0)]) response.destroy();
  }

  #stream(response: ServerResponse): void {
    if (this.nomad === "denied") {
      response.writeHead(403).end("Permission denied");
      return;
    }
    response.write("{}\n");
    this.streams.push(response);
  }

  #answerState(response: ServerResponse): void {
    response.setHeader("x-consul-index", this.#index).end(JSON.stringify(this.critical));
  }
}

function check(service: string): object {
  return {
    CheckID: `check-${service}`,
    Name: "answers",
    Node: "node",
    ServiceID: `_nomad-task-${service}`,
    ServiceName: service,
    Status: "critical",
    Output: "500",
  };
}

function job(id: string): object {
  const common = { ID: id, Name: id, Type: "service", Status: "running", Stop: false, Version: 0, Stable: false };
  return { Job: { ...common, CreateIndex: 1, ModifyIndex: 1, JobModifyIndex: 1 } };
}

interface Followed extends AsyncDisposable {
  cluster: FakeCluster;
  watch: ClusterWatch;
  clock: FakeClock;
  said: string[];
  /** Ends the run, and resolves when it has ended. */
  end(): Promise<void>;
}

async function followed(change: (cluster: FakeCluster) => void = () => {}): Promise<Followed> {
  const cluster = new FakeCluster();
  change(cluster);
  const { nomad, ...fakeOfNomad } = await fakeNomad(cluster.answerNomad);
  const { consul, ...fakeOfConsul } = await fakeConsul(cluster.answerConsul);
  const clock = new FakeClock();
  const said: string[] = [];
  const log: Logger = { ...silentLogger, warn: (_, text) => said.push(text), error: (_, text) => said.push(text) };
  const watch = new ClusterWatch({ nomad, consul, clock, log });
  const stop = new AbortController();
  const running = watch.run(stop.signal);
  const end = (): Promise<void> => {
    stop.abort(new Error("the end"));
    return running;
  };
  return {
    cluster,
    watch,
    clock,
    said,
    end,
    [Symbol.asyncDispose]: async () => {
      await end();
      await fakeOfNomad[Symbol.asyncDispose]();
      await fakeOfConsul[Symbol.asyncDispose]();
    },
  };
}

const forever = (): AbortSignal => new AbortController().signal;

const whenFollowed = ({ watch }: Followed): Promise<void> => until(() => watch.isFollowed);

describe("while Nomad and Consul tell", () => {
  test("who waits for a job is woken by what happens to it, and by nothing else", async () => {
    await using one = await followed();
    await whenFollowed(one);
    using watch = one.watch.watch("blog", ["blog"]);
    let looks = 0;
    const waiting = watch.until(forever(), () => (++looks < 3 ? LATER : "found"));
    await until(() => looks === 1 && one.clock.sleeping === 1);
    one.cluster.tellEvent("Job", job("shop"), 1);
    one.cluster.tellEvent("Job", job("blog-canary"), 2);
    one.cluster.tellEvent("Job", job("blog"), 3);
    await until(() => looks === 2 && one.clock.sleeping === 1);
    one.cluster.tellCritical([check("shop")]);
    one.cluster.tellCritical([check("shop"), check("blog")]);
    expect(await waiting).toBe("found");
  });

  test("what is critical is known without asking, and who waits is woken when it is so no more", async () => {
    await using one = await followed((cluster) => (cluster.critical = [check("blog"), check("shop")]));
    await whenFollowed(one);
    using watch = one.watch.watch("blog", ["blog"]);
    const counts: number[] = [];
    const waiting = watch.until(forever(), async () => {
      const { length } = await one.watch.criticalChecks(watch.services, forever());
      counts.push(length);
      return length === 0 ? "well" : LATER;
    });
    await until(() => counts.length === 1 && one.clock.sleeping === 1);
    one.cluster.tellCritical([check("shop")]);
    expect(await waiting).toBe("well");
    expect(counts).toEqual([1, 0]);
    expect(one.cluster.asked).toEqual([]);
  });
});

describe("from one step of a deployment to the next", () => {
  const seen = async (one: Followed): Promise<number> => {
    using watch = one.watch.watch("blog", ["blog"]);
    await watch.until(forever(), () => "seen");
    return one.cluster.refreshes;
  };

  test("what is known of a job is kept for a while, and told of", async () => {
    await using one = await followed();
    await whenFollowed(one);
    expect([await seen(one), await seen(one)]).toEqual([1, 1]);
    await one.clock.advance(9999);
    expect(await seen(one)).toBe(1);
    one.cluster.tellEvent("Job", job("blog"), 5);
    await until(() => one.watch.registered("blog", 1n) !== undefined);
    expect(one.watch.registered("blog", 2n)).toBeUndefined();
    await one.clock.advance(10_000);
    expect(await seen(one)).toBe(2);
    expect(one.watch.registered("blog", 1n)).toBeUndefined();
  });

  test("but not when something may have been missed meanwhile", async () => {
    await using one = await followed();
    await whenFollowed(one);
    await seen(one);
    one.cluster.tellEvent("Job", job("blog"), 5);
    await until(() => one.watch.registered("blog", 1n) !== undefined);
    one.cluster.breakOff();
    await until(() => !one.watch.isFollowed);
    expect(one.watch.registered("blog", 1n)).toBeUndefined();
    // The new stream does not begin where the one before ended.
    await until(() => one.cluster.streams.length > 0);
    one.cluster.tellEvent("Job", job("shop"), 9);
    await whenFollowed(one);
    expect(await seen(one)).toBe(2);
  });
});

describe("while one of them is away", () => {
  test.each(["nomad", "consul"] as const)("%s: that is told, and that it is back is noticed", async (system) => {
    await using one = await followed();
    await whenFollowed(one);
    one.cluster[system] = "away";
    one.cluster.breakOff();
    await until(() => one.said.length > 0);
    expect(one.said).toEqual([`${system === "nomad" ? "Nomad" : "Consul"} is away; it is asked again and again`]);
    expect(one.watch.isFollowed).toBe(false);
    one.cluster[system] = "there";
    // Nothing is another than before it went: that it is back is noticed all the same.
    if (system === "nomad") {
      await until(() => one.cluster.streams.length > 0);
      one.cluster.tellEvent("Job", job("shop"), 9);
    }
    await whenFollowed(one);
  });

  test("Consul is asked for the checks of just the services that are wanted", async () => {
    await using one = await followed((cluster) => {
      cluster.consul = "away";
      cluster.critical = [check("blog"), check("shop"), { ...check("blog"), Status: "passing" }];
    });
    await until(() => one.said.length > 0);
    const [fake, watch] = [await fakeConsul(one.cluster.answerConsul), one.watch];
    await using _ = fake;
    await expect(watch.criticalChecks(new Set(["blog"]), forever())).rejects.toMatchObject({
      code: "CONSUL_UNREACHABLE",
    });
    const alone = new ClusterWatch({ nomad: {} as never, consul: fake.consul, clock: one.clock, log: silentLogger });
    one.cluster.consul = "there";
    const checks = await alone.criticalChecks(new Set(["blog", "none"]), forever());
    expect(checks.map(({ serviceName, status }) => `${serviceName} ${status}`)).toEqual(["blog critical"]);
    expect(one.cluster.asked.toSorted()).toEqual(["blog", "none"]);
  });

  test("one that refuses to be followed is tried again half a minute later", async () => {
    await using one = await followed((cluster) => (cluster.nomad = "denied"));
    await until(() => one.said.length === 1 && one.clock.sleeping === 1);
    expect(one.said).toEqual(["Nomad's events cannot be followed; the cluster is asked again and again meanwhile"]);
    await one.clock.advance(29_999);
    one.cluster.nomad = "there";
    expect(one.cluster.streams).toEqual([]);
    await one.clock.advance(1);
    await until(() => one.cluster.streams.length === 1);
    await whenFollowed(one);
  });
});

test("the signal ends the run, also while both are away", async () => {
  await using one = await followed((cluster) => {
    cluster.nomad = "away";
    cluster.consul = "away";
  });
  await until(() => one.said.length === 2);
  await one.end();
  expect(one.clock.sleeping).toBe(0);
});
