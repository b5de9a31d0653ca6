import { describe, expect, test } from "vitest";
import { type Answerer, type FakeServer, fakeServer } from "../../../../test/support/fake-server.ts";
import { ImpatientClock } from "../../../../test/support/impatient-clock.ts";
import { until } from "../../../../test/support/until.ts";
import { fakeConsul } from "../../../consul/fakes.ts";
import type { Consul } from "../../../consul/index.ts";
import { FabioViews, type Wanted } from "./fabio-views.ts";

/** One instance of Fabio, with the services that it has routes for. */
interface FakeFabio extends FakeServer {
  services: string[];
  isAway: boolean;
}

async function fakeFabio(...services: string[]): Promise<FakeFabio> {
  const state = { services, isAway: false };
  const answer: Answerer = (_, response) => {
    const routes = state.services.map((service) => ({
      service,
      host: "",
      path: "/",
      dst: "http://10.0.0.1:1/",
      weight: 1,
    }));
    if (state.isAway) response.destroy();
    else response.end(JSON.stringify(routes));
  };
  return Object.assign(state, await fakeServer(answer));
}

function viewsOf(...fabios: FakeFabio[]) {
  const clock = new ImpatientClock();
  const addresses = fabios.map(({ host }) => `http://${host}`);
  return { clock, views: new FabioViews({ consul: {} as Consul, addresses, clock }) };
}

const has =
  (name: string): Wanted =>
  (targets) =>
    targets.some(({ service }) => service === name) ? undefined : `has no ${name}`;

const forever = (): AbortSignal => new AbortController().signal;

test("all that are known must have what is wanted", async () => {
  await using one = await fakeFabio("blog");
  await using two = await fakeFabio();
  const { views } = viewsOf(one, two);
  using _ = views;
  let isSettled = false;
  const settled = views.settled(has("blog"), forever()).then((unsettled) => {
    isSettled = true;
    return unsettled;
  });
  await until(() => two.seen.length > 5);
  expect(isSettled).toBe(false);
  two.services.push("blog");
  expect(await settled).toEqual([]);
});

describe("one that does not come to have it holds nobody up for long", () => {
  test("ten seconds, if its routes stay as they are", async () => {
    await using one = await fakeFabio("blog");
    await using frozen = await fakeFabio("old");
    const { clock, views } = viewsOf(one, frozen);
    using _ = views;
    const begin = clock.now();
    expect(await views.settled(has("blog"), forever())).toEqual([
      { isThere: true, line: `Fabio at ${frozen.host} has no blog` },
    ]);
    expect(clock.now() - begin).toBeGreaterThanOrEqual(10_000);
    expect(one.seen).toHaveLength(1);
  });

  test("longer while its routes change: it has much to do, and comes to what is wanted; but no more than a minute", async () => {
    for (const [comesAfterMs, unsettled] of [
      [15_000, 0],
      [Infinity, 1],
    ] as const) {
      await using busy = await fakeFabio("old");
      const { clock, views } = viewsOf(busy);
      using _ = views;
      const begin = clock.now();
      let looks = 0;
      const wanted: Wanted = (targets) => {
        busy.services[0] = clock.now() - begin < comesAfterMs ? `other-${looks++}` : "blog";
        return has("blog")(targets);
      };
      expect(await views.settled(wanted, forever())).toHaveLength(unsettled);
      expect(clock.now() - begin).toBeGreaterThanOrEqual(Math.min(comesAfterMs, 60_000));
      expect(clock.now() - begin).toBeLessThan(61_000);
    }
  });

  test("a second, if it is away", async () => {
    await using one = await fakeFabio("blog");
    await using away = await fakeFabio();
    away.isAway = true;
    const { clock, views } = viewsOf(one, away);
    using _ = views;
    const begin = clock.now();
    const [unsettled, ...others] = await views.settled(has("blog"), forever());
    expect([unsettled?.isThere, others]).toEqual([false, []]);
    expect(unsettled?.line).toMatch(new RegExp(`^Fabio at ${away.host} cannot be asked for its routes \\(.+\\)$`));
    expect(clock.now() - begin).toBeGreaterThanOrEqual(1000);
    expect(clock.now() - begin).toBeLessThan(10_000);
  });

  test("and one that was away for a moment only is looked at on", async () => {
    await using one = await fakeFabio("blog");
    one.isAway = true;
    const { views } = viewsOf(one);
    using _ = views;
    const settled = views.settled(has("blog"), forever());
    await until(() => one.seen.length > 2);
    one.isAway = false;
    expect(await settled).toEqual([]);
  });
});

test("whoever waits at the same time is served by the same looks, and nobody looks when nobody waits", async () => {
  await using one = await fakeFabio();
  const { clock, views } = viewsOf(one);
  using _ = views;
  const waiting = Array.from({ length: 50 }, (_unused, at) => views.settled(has(`app-${at}`), forever()));
  await until(() => one.seen.length > 3);
  const before = one.seen.length;
  one.services.push(...waiting.map((_unused, at) => `app-${at}`));
  expect((await Promise.all(waiting)).flat()).toEqual([]);
  const after = one.seen.length;
  expect(after - before).toBeLessThanOrEqual(3);
  // Time goes on at once with this clock, as long as somebody asks for it to.
  const waits = clock.waits.length;
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
  expect(one.seen).toHaveLength(after);
  expect(clock.waits.length - waits).toBeLessThanOrEqual(1);
  expect(await views.settled(has("app-1"), forever())).toEqual([]);
  expect(one.seen).toHaveLength(after + 1);
});

test("what is wrong with a wish is told as if the instance could not be asked, and ends the waiting", async () => {
  await using one = await fakeFabio();
  const { views } = viewsOf(one);
  using _ = views;
  const wanted = (): never => {
    throw new Error("cannot be read");
  };
  expect(await views.settled(wanted, forever())).toMatchObject([{ isThere: false }]);
});

describe("the signal ends the waiting with its reason", () => {
  const reason = new Error("superseded");

  test("before it begins, and while nothing comes", async () => {
    await using one = await fakeFabio();
    const { views } = viewsOf(one);
    using _ = views;
    await expect(views.settled(has("blog"), AbortSignal.abort(reason))).rejects.toBe(reason);
    const stop = new AbortController();
    const waiting = views.settled(has("blog"), stop.signal).catch((error: unknown) => error);
    await until(() => one.seen.length > 1);
    stop.abort(reason);
    expect(await waiting).toBe(reason);
    // Others wait on.
    one.services.push("blog");
    expect(await views.settled(has("blog"), forever())).toEqual([]);
  });
});

describe("where no addresses are given", () => {
  const serviceAt = (host: string, status = "passing", nodeCheck?: string): object => {
    const [Address, port] = host.split(":");
    const service = { ID: host, Service: "fabio", Address, Port: Number(port), CreateIndex: 1, ModifyIndex: 1 };
    const check = {
      CheckID: "c",
      Name: "answers",
      Node: "node",
      ServiceID: host,
      ServiceName: "fabio",
      Status: status,
    };
    const node = { ...check, CheckID: "serfHealth", ServiceID: "", ServiceName: "", Status: nodeCheck };
    const checks = nodeCheck === undefined ? [check] : [check, node];
    return { Node: { Node: "node", Address: "10.0.0.1" }, Service: service, Checks: checks };
  };
  const viewsIn = (consul: Consul): FabioViews =>
    new FabioViews({ consul, addresses: [], clock: new ImpatientClock() });

  test("those that Consul has now are asked, and none if it has none", async () => {
    await using one = await fakeFabio("blog");
    await using two = await fakeFabio("blog");
    let known = [one.host, two.host];
    await using consul = await fakeConsul((_, response) =>
      response.end(JSON.stringify(known.map((host) => serviceAt(host)))),
    );
    using views = viewsIn(consul.consul);
    expect(await views.settled(has("blog"), forever())).toEqual([]);
    expect([one.seen.length, two.seen.length]).toEqual([1, 1]);
    known = [two.host];
    expect(await views.settled(has("blog"), forever())).toEqual([]);
    expect([one.seen.length, two.seen.length]).toEqual([1, 2]);
    known = [];
    expect(await views.settled(has("anything"), forever())).toEqual([]);
    expect(consul.seen.every(({ target }) => target.startsWith("/v1/health/service/fabio"))).toBe(true);
  });

  test("one that is critical there is waited for as long as it answers, and is passed over if it is gone", async () => {
    await using critical = await fakeFabio("old");
    await using gone = await fakeFabio();
    gone.isAway = true;
    const services = [serviceAt(critical.host, "critical"), serviceAt(gone.host, "critical")];
    await using consul = await fakeConsul((_, response) => response.end(JSON.stringify(services)));
    using views = viewsIn(consul.consul);
    const settled = views.settled(has("blog"), forever());
    await until(() => critical.seen.length > 5);
    expect(gone.seen).toHaveLength(1);
    critical.services.push("blog");
    expect(await settled).toEqual([]);
  });

  test("one that was away on a node that is there is asked each time", async () => {
    await using one = await fakeFabio();
    one.isAway = true;
    await using consul = await fakeConsul((_, response) =>
      response.end(JSON.stringify([serviceAt(one.host, "critical", "passing")])),
    );
    using views = viewsIn(consul.consul);
    for (const asked of [1, 2]) {
      expect(await views.settled(has("blog"), forever())).toEqual([]);
      expect(one.seen).toHaveLength(asked);
    }
  });

  test("one on a node that Consul has lost is asked again a minute after it was away", async () => {
    await using lost = await fakeFabio();
    lost.isAway = true;
    await using consul = await fakeConsul((_, response) =>
      response.end(JSON.stringify([serviceAt(lost.host, "passing", "critical")])),
    );
    const clock = new ImpatientClock();
    using views = new FabioViews({ consul: consul.consul, addresses: [], clock });
    expect(await views.settled(has("blog"), forever())).toEqual([]);
    expect(await views.settled(has("blog"), forever())).toEqual([]);
    expect(lost.seen).toHaveLength(1);
    await clock.sleep(60_000);
    lost.isAway = false;
    lost.services.push("blog");
    expect(await views.settled(has("blog"), forever())).toEqual([]);
    expect(lost.seen).toHaveLength(2);
  });
});
