import * as fc from "fast-check";
import { testDefinition } from "../../test/support/test-definition.ts";
import type { AppDefinition } from "./app-definition.ts";
import type { CompatibleDefinition } from "./compatible-definition.ts";
import type { ConstraintDefinition, NomadFragment, RunDefinition } from "./run-definition.ts";

const word = fc.stringMatching(/^[a-z$#:{}. "'-]{1,12}$/).filter((text) => text.trim() !== "");

const constraint: fc.Arbitrary<ConstraintDefinition> = fc.oneof(
  fc.record({ attribute: word, operator: fc.constantFrom("=", "!=", "regexp", "version"), value: word }),
  fc.record({ attribute: word, operator: fc.constantFrom("is_set", "distinct_property"), value: fc.constant(null) }),
  fc.constant({ attribute: null, operator: "distinct_hosts", value: null }),
);

/** Any `run` that may be declared, for property tests. */
export const anyRun: fc.Arbitrary<RunDefinition> = fc
  .record({
    driver: fc.constantFrom("docker" as const, "exec" as const, "java" as const),
    command: fc.option(word),
    args: fc.array(
      fc.string({ maxLength: 10 }).map((text) => text.replaceAll("\0", "")),
      { maxLength: 3 },
    ),
    port: fc.option(fc.integer({ min: 1, max: 65_535 })),
    count: fc.integer({ min: 1, max: 1000 }),
    cpu: fc.integer({ min: 1, max: 1_000_000 }),
    memory: fc.integer({ min: 10, max: 1000 }),
    memoryMax: fc.option(fc.integer({ min: 1000, max: 10_000_000 })),
    metrics: fc.option(fc.constantFrom("/metrics", "/")),
    env: fc.dictionary(fc.constantFrom("A", "_b", "C1"), word),
    constraints: fc.array(constraint, { maxLength: 3 }),
    spread: fc.array(word, { maxLength: 3 }),
    promote: fc.constantFrom("auto" as const, "manual" as const),
    minHealthyMs: fc.integer({ min: 0, max: 3_600_000 }),
    healthyDeadlineMs: fc.integer({ min: 3_600_001, max: 86_400_000 }),
    shutdownDelayMs: fc.integer({ min: 0, max: 600_000 }),
  })
  .map((run) => ({ ...run, env: { ...run.env } }))
  .map((run) => (run.driver === "docker" ? run : { ...run, command: run.command ?? "local/app", port: null }));

const part = fc.dictionary(
  fc.constantFrom("Priority", "Config", "KillTimeout", "Meta"),
  fc.jsonValue({ maxDepth: 2, noUnicodeString: true }).map((value): unknown => JSON.parse(JSON.stringify(value))),
);

const compatible: fc.Arbitrary<CompatibleDefinition> = fc.record({
  job: fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/),
  key: fc.constantFrom("configs/team/a/IMAGE_TAG", "configs/library/nginx/IMAGE_TAG", "x"),
  service: fc.constantFrom(null, "web"),
  webhook: fc.constantFrom(null, "/blog", "/a/b"),
  minHealthyMs: fc.integer({ min: 0, max: 3_600_000 }),
  healthyDeadlineMs: fc.integer({ min: 3_600_001, max: 86_400_000 }),
});

/** With a job of the user's own in place of what it says of instances, by its jobspec or by the key that it reads; or as it is. */
export function orOwnJob(app: AppDefinition): fc.Arbitrary<AppDefinition> {
  const { image } = app;
  if (image === null) return fc.constant(app);
  const { run, nomad } = testDefinition(app.name);
  const own = fc
    .constantFrom('job "a" {}', "# no\njob: 'x' {\n}\n", " x.hcl")
    .map((job) => ({ ...app, run, nomad, job }));
  const keyed = compatible.map((fields) => ({ ...app, run, nomad, compatible: fields }));
  return fc.oneof(fc.constant(app), own, keyed);
}

/** Any `nomad` that may be declared. */
export const anyNomad: fc.Arbitrary<NomadFragment> = fc
  .record({ job: part, group: part, task: part, service: part })
  .map((fragment) => JSON.parse(JSON.stringify(fragment)) as NomadFragment);
