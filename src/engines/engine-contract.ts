import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AppDefinition } from "../config/index.ts";
import type { Engine, EngineContext, Instance, ReleaseSpec } from "./engine.ts";

/** What an engine's own test brings, so that the contract can be tried on it. One for the whole suite. */
export interface EngineHarness extends AsyncDisposable {
  /** A new engine object over the state that is there: what control has after it was killed and started again. */
  engine(): Engine;
  /**
   * An engine object of a control that dies: its `effects`-th change to the world (from 0) does not happen, and the call rejects, as do all
   * further ones.
   */
  dyingEngine(effects: number): Engine | Promise<Engine>;
  /** Makes a release of plain files. */
  release(
    app: string,
    number: number,
    files: Readonly<Record<string, string>>,
    definition?: Partial<AppDefinition>,
  ): Promise<ReleaseSpec>;
  /** Asks as a visitor does, on a new connection. */
  visit(host: string, path: string): Promise<{ status: number; body: string }>;
}

type Step = (engine: Engine) => Promise<void>;

interface ContractOptions {
  timeout?: number;
  sequential?: boolean;
}

const ONE_ORDER = "what happens at the same time has one order in a recording";
/** As many effects as no step has. */
const ENOUGH = 50;

/**
 * The contract of `Engine`, as tests. Each implementation runs them against real instances.
 *
 * @param open makes the harness; called once
 * @param timeout of a test, milliseconds
 * @param sequential whether what happens at the same time has an order there, as in a recording: then that is not tried
 */
export function describeEngine(
  name: string,
  open: () => Promise<EngineHarness>,
  { timeout = 30_000, sequential = false }: ContractOptions = {},
): void {
  describe(`engine contract: ${name}`, { timeout }, () => {
    let harness: EngineHarness;
    let apps = 0;
    beforeAll(async () => {
      harness = await open();
    }, timeout);
    afterAll(() => harness[Symbol.asyncDispose](), timeout);

    /** An app of its own for each test. */
    const newApp = (): { app: string; host: string } => {
      const app = `app-${++apps}`;
      return { app, host: `${app}.test` };
    };
    const make = (
      app: string,
      number: number,
      body: string,
      definition?: Partial<AppDefinition>,
    ): Promise<ReleaseSpec> => harness.release(app, number, { "index.html": body }, definition);
    const deploy = async (release: ReleaseSpec, engine = harness.engine()): Promise<void> => {
      for (const step of deployment(release)) await step(engine);
    };
    const body = async (host: string, path = "/"): Promise<string> => (await harness.visit(host, path)).body;

    test("place starts an instance and sends no visitor to it", async () => {
      const { app, host } = newApp();
      const engine = harness.engine();
      const release = await make(app, 1, "one");
      await engine.place(release, context());
      expect((await harness.visit(host, "/")).status).toBe(404);
      expect(await engine.instances(app)).toEqual([{ app, release: 1, routed: false }]);
    });

    test("a deployment goes live as a whole, and the next one takes its place", async () => {
      const { app, host } = newApp();
      await deploy(await make(app, 1, "one"));
      expect(await body(host)).toBe("one");
      await deploy(await make(app, 2, "two"));
      expect(await body(host)).toBe("two");
      expect(await harness.engine().instances(app)).toEqual([{ app, release: 2, routed: true }]);
    });

    test("every call may be made again", async () => {
      const { app, host } = newApp();
      await deploy(await make(app, 1, "one"));
      const release = await make(app, 2, "two");
      for (const step of deployment(release)) {
        await step(harness.engine());
        await step(harness.engine());
      }
      expect(await body(host)).toBe("two");
      expect(await harness.engine().instances(app)).toEqual([{ app, release: 2, routed: true }]);
    });

    test("a release that does not pass its check is told why, and the old one serves", async () => {
      const { app, host } = newApp();
      await deploy(await make(app, 1, "one"));
      const engine = harness.engine();
      const bad = await harness.release(app, 2, { "other.html": "two" });
      await engine.place(bad, context());
      const waiting = engine.awaitHealthy(bad, context());
      await expect(waiting).rejects.toMatchObject({
        code: "CHECK_FAILED",
        reason: "GET / answered 404, expected 200–399",
      });
      expect(await body(host)).toBe("one");
      await engine.abandon(bad);
      await engine.abandon(bad);
      expect(await engine.instances(app)).toEqual([{ app, release: 1, routed: true }]);
      expect(await body(host)).toBe("one");
    });

    test("a check may want a text", async () => {
      const { app } = newApp();
      const engine = harness.engine();
      const check = { path: "/", status: [200, 299] as [number, number], contains: "welcome", timeoutMs: 5_000 };
      const without = await make(app, 1, "nothing here", { check });
      await engine.place(without, context());
      await expect(engine.awaitHealthy(without, context())).rejects.toMatchObject({ code: "CHECK_FAILED" });
      const having = await make(app, 2, "be welcome", { check });
      await engine.place(having, context());
      await engine.awaitHealthy(having, context());
    });

    test("domains follow the release that is routed", async () => {
      const { app } = newApp();
      const [old, kept, added] = [`old.${app}.test`, `kept.${app}.test`, `new.${app}.test`];
      await deploy(await make(app, 1, "one", { domains: [old, kept] }));
      await deploy(await make(app, 2, "two", { domains: [kept, added] }));
      expect((await harness.visit(old, "/")).status).toBe(404);
      expect(await body(kept)).toBe("two");
      expect(await body(added)).toBe("two");
    });

    test("going back to a release that was retained", async () => {
      const { app, host } = newApp();
      const engine = harness.engine();
      const one = await make(app, 1, "one");
      const two = await make(app, 2, "two");
      await deploy(one);
      await deploy(two);
      await engine.retain(app, [two, one]);
      await deploy(one, harness.engine());
      expect(await body(host)).toBe("one");
      await engine.retain(app, []);
      expect(await body(host)).toBe("one");
    });

    test("remove takes away everything of an app, and an app that is not there is fine", async () => {
      const { app, host } = newApp();
      const engine = harness.engine();
      await deploy(await make(app, 1, "one"));
      await engine.place(await make(app, 2, "two"), context());
      await engine.remove(app);
      await engine.remove(app);
      expect((await harness.visit(host, "/")).status).toBe(404);
      expect(await engine.instances(app)).toEqual([]);
      await deploy(await make(app, 1, "again"));
      expect(await body(host)).toBe("again");
    });

    test("abandoning what was never placed changes nothing", async () => {
      const { app, host } = newApp();
      const one = await make(app, 1, "one");
      await harness.engine().abandon(one);
      await deploy(one);
      await harness.engine().abandon(await make(app, 2, "two"));
      expect(await body(host)).toBe("one");
    });

    test("apps are deployed at the same time", async (told) => {
      told.skip(sequential, ONE_ORDER);
      const many = Array.from({ length: 8 }, newApp);
      const engine = harness.engine();
      await Promise.all(many.map(async ({ app }) => deploy(await make(app, 1, `${app} one`), engine)));
      await Promise.all(many.map(async ({ app }) => deploy(await make(app, 2, `${app} two`), engine)));
      for (const { app, host } of many) expect(await body(host)).toBe(`${app} two`);
      const instances = await engine.instances();
      for (const { app } of many) expect(instances).toContainEqual<Instance>({ app, release: 2, routed: true });
    });

    test("visitors get one release or the other, never an error, while it switches", async (told) => {
      told.skip(sequential, ONE_ORDER);
      const { app, host } = newApp();
      await deploy(await make(app, 1, "1"));
      let last = 1;
      let deploying = true;
      const visits = (async () => {
        while (deploying) {
          const { status, body: seen } = await harness.visit(host, "/");
          expect(status).toBe(200);
          expect(Number(seen)).toBeGreaterThanOrEqual(last - 1);
        }
      })();
      for (let number = 2; number <= 8; number++) {
        last = number;
        await deploy(await make(app, number, String(number)));
        expect(await body(host)).toBe(String(number));
      }
      deploying = false;
      await visits;
    });

    test("after a crash at any moment of any step, the step again and the rest lead to the same end", async () => {
      const { app, host } = newApp();
      await deploy(await make(app, 1, "0"));
      let number = 1;
      for (let crashIn = 0; crashIn < deployment(await make(app, 1, "0")).length; crashIn++) {
        for (let effects = 0; effects < ENOUGH; effects++) {
          number++;
          const release = await make(app, number, String(number));
          const steps = deployment(release);
          for (const step of steps.slice(0, crashIn)) await step(harness.engine());
          const survived = await survives(steps[crashIn], await harness.dyingEngine(effects));
          const seen = await body(host);
          expect([String(number - 1), String(number), "0"]).toContain(seen);
          for (const step of steps.slice(crashIn)) await step(harness.engine());
          expect(await body(host)).toBe(String(number));
          expect(await harness.engine().instances(app)).toEqual([{ app, release: number, routed: true }]);
          if (survived) break;
        }
      }
    });

    test("a call that is told to stop stops, and the old release serves", async () => {
      const { app, host } = newApp();
      await deploy(await make(app, 1, "one"));
      const release = await make(app, 2, "two");
      const stopped = { ...context(), signal: AbortSignal.abort(new Error("told to stop")) };
      await expect(harness.engine().place(release, stopped)).rejects.toThrow("told to stop");
      await expect(harness.engine().awaitHealthy(release, stopped)).rejects.toThrow("told to stop");
      await harness.engine().abandon(release);
      expect(await body(host)).toBe("one");
    });
  });
}

function context(): EngineContext {
  return { signal: new AbortController().signal, progress() {}, note() {}, awaitsPromotion() {} };
}

/** The steps of a deployment, in the order in which the deployer takes them. */
function deployment(release: ReleaseSpec): Step[] {
  return [
    (engine) => engine.place(release, context()),
    (engine) => engine.awaitHealthy(release, context()),
    (engine) => engine.route(release, context()),
    (engine) => engine.retire(release, context()),
  ];
}

/** Whether a step came to its end on an engine that dies. */
async function survives(step: Step | undefined, engine: Engine): Promise<boolean> {
  try {
    await step?.(engine);
    return true;
  } catch {
    return false; // it died, which is what was wanted
  }
}
