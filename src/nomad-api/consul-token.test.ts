import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { fakeNomad } from "./fakes.ts";
import type { JobSpec } from "./job-spec.ts";
import type { Nomad } from "./nomad.ts";

const TOKEN = "9b1f5a34-0000-4000-8000-000000000001";
const changed = '{"EvalID":"e","EvalCreateIndex":7,"JobModifyIndex":7,"ValidationErrors":null,"Warnings":""}';

/** The bodies that were sent. */
async function sent(ask: (nomad: Nomad) => Promise<unknown>, consulToken: string | undefined): Promise<unknown[]> {
  await using fake = await fakeNomad((_, response) => response.end(changed), {}, { consulToken });
  await ask(fake.nomad);
  expect(fake.seen.map(({ target, headers }) => JSON.stringify([target, headers])).join()).not.toContain(TOKEN);
  return fake.seen.map(({ body }) => JSON.parse(body.toString()) as unknown);
}

describe("a token of Consul", () => {
  test("goes with what registers a job, and the job that was given stays as it is", async () => {
    const spec: JobSpec = Object.freeze({ ID: "web", ConsulToken: "" });
    expect(await sent(({ jobs }) => jobs.register(spec, { ifIndex: 6n }), TOKEN)).toEqual([
      { Job: { ID: "web", ConsulToken: TOKEN }, EnforceIndex: true, JobModifyIndex: 6 },
    ]);
    expect(await sent(({ jobs }) => jobs.revert("web", 3, { ifVersion: 4 }), TOKEN)).toEqual([
      { JobID: "web", JobVersion: 3, EnforcePriorVersion: 4, ConsulToken: TOKEN },
    ]);
  });

  test("of a jobspec's own comes first", async () => {
    const spec = { ID: "web", ConsulToken: "own" };
    expect(await sent(({ jobs }) => jobs.register(spec), TOKEN)).toEqual([{ Job: spec }]);
  });

  test("goes with nothing else: what is planned is shown", async () => {
    const asked = await sent(async ({ jobs }) => {
      await jobs.plan({ ID: "web" });
      await jobs.validate({ ID: "web" });
      await jobs.setStable("web", 1, true);
      await jobs.scale("web", "web", 2);
      await jobs.evaluate("web");
    }, TOKEN);
    expect(asked).toHaveLength(5);
    expect(JSON.stringify(asked)).not.toMatch(/ConsulToken/);
  });

  test("that there is not is not sent", async () => {
    for (const spec of [{ ID: "web" }, { ID: "web", ConsulToken: null }])
      expect(await sent(({ jobs }) => jobs.register(spec), undefined)).toEqual([{ Job: spec }]);
    expect(await sent(({ jobs }) => jobs.revert("web", 3), undefined)).toEqual([{ JobID: "web", JobVersion: 3 }]);
  });

  test.for([
    [500, "job-submitter consul token denied: missing consul token"],
    [200, "no JSON"],
  ] as const)("is not in the error of a registration that was answered so: %d %s", async ([status, body]) => {
    await using fake = await fakeNomad(
      (_, response) => response.writeHead(status).end(body),
      {},
      { consulToken: TOKEN },
    );
    const error = await fake.nomad.jobs.register({ ID: "web" }).catch((thrown: unknown) => thrown);
    expect(fake.seen[0]?.body.toString()).toContain(TOKEN);
    expect(error).toBeInstanceOf(Error);
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain(TOKEN);
  });
});

test("that a version cannot be gone back to for want of one says that an old Nomad does not look at it", async () => {
  const body = "job-submitter consul token denied: missing consul token";
  await using fake = await fakeNomad((_, response) => response.writeHead(500).end(body), {}, { consulToken: TOKEN });
  await expect(fake.nomad.jobs.revert("web", 3)).rejects.toMatchObject({
    code: "NOMAD_DENIED",
    hint: expect.stringContaining("1.4.5"),
  });
});
