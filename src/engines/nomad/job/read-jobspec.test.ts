import { expect, test } from "vitest";
import { fakeNomad } from "../../../nomad-api/fakes.ts";
import { printableJobspec, readJobspec } from "./read-jobspec.ts";

test("JSON is read here, as Nomad's own command prints it or without its wrapping", async () => {
  await using it = await fakeNomad((_, response) => response.end("{}"));
  const spec = { ID: "blog", TaskGroups: [{ Name: "blog", Interval: 9_007_199_254_740_993n as never }] };
  const text = printableJobspec(spec);
  expect(text).toContain('\n      {\n        "Name": "blog",\n        "Interval": 9007199254740993\n      }\n');
  expect(await readJobspec(text, { nomad: it.nomad, app: "blog" })).toEqual(spec);
  expect(await readJobspec('\n {"ID": "blog"}', { nomad: it.nomad, app: "blog" })).toEqual({ ID: "blog" });
  expect(it.seen).toEqual([]);
});

test("HCL is read by Nomad", async () => {
  await using it = await fakeNomad((_, response) => response.end('{"ID": "blog"}'));
  expect(await readJobspec('job "blog" {}', { nomad: it.nomad, app: "blog" })).toEqual({ ID: "blog" });
  expect(it.seen[0]?.target).toBe("/v1/jobs/parse");
});

test("what is no job says so", async () => {
  await using it = await fakeNomad((_, response) => response.end("{}"));
  const refused = (text: string, reason: string | RegExp) =>
    expect(readJobspec(text, { nomad: it.nomad, app: "blog" })).rejects.toMatchObject({
      code: "NOMAD_JOB_INVALID",
      subject: "the job of blog",
      reason: expect.stringMatching(reason) as string,
    });
  await refused("{", /^it is no JSON: /);
  await refused("{}", "it has no `ID`");
  await refused('{"Job": {"ID": 7}}', "it has no `ID`");
});
