import { describe, expect, test } from "vitest";
import { testDefinition } from "../../../../test/support/test-definition.ts";
import { parseDefinition } from "../../../config/parse-definition.ts";
import { adoptJob } from "./adopt-job.ts";
import type { DefinitionParts } from "./definition-parts.ts";
import { type KnownJob, knownJob } from "./fakes.ts";

const define = async ({ check, run, ...parts }: DefinitionParts) => {
  const usual = testDefinition("blog");
  return parseDefinition({ ...usual, ...parts, check: { ...usual.check, ...check }, run: { ...usual.run, ...run } });
};

function adopt(known: KnownJob, datacenters = ["dc1"]) {
  return adoptJob(knownJob(known), { app: "blog", settings: { datacenters }, domains: [], define });
}

test("credentials are told of by their places, and not by what they are", async () => {
  const Config = { image: "team/blog:v1", ports: ["http"], auth: [{ username: "x", password: "s3cret" }] };
  const known: KnownJob = { task: { Config, Env: { DB_PASSWORD: "s3cret" } } };
  const { notes } = await adopt(known);
  expect(notes).toEqual([
    "What seems to be a credential is written as the job has it: `run.env.DB_PASSWORD`, `nomad.task.Config.auth[0].password`. Whoever reads the definition can read it.",
  ]);
  const kept = await adopt({ ...known, group: { Name: "web" } });
  expect(kept.notes.at(-1)).toContain(
    "`TaskGroups[0].Tasks[0].Config.auth[0].password`, `TaskGroups[0].Tasks[0].Env.DB_PASSWORD`.",
  );
  expect(JSON.stringify([notes, kept.notes])).not.toContain("s3cret");
});

test("a job that is in fewer datacenters than Steppe knows stays in them", async () => {
  const { definition, notes } = await adopt({}, ["dc1", "dc2"]);
  expect(definition.run.constraints).toEqual([{ attribute: "${node.datacenter}", operator: "=", value: "dc1" }]);
  expect(notes).toEqual(["A constraint keeps it in dc1: Steppe lets apps be in all datacenters that it knows."]);
});

test("that others scale it is told", async () => {
  const { notes } = await adopt({ group: { Scaling: { Min: 1, Max: 9, Enabled: true } } });
  expect(notes).toEqual([expect.stringMatching(/^It may be scaled by others: each deployment sets how many/)]);
});

test("tags by which canaries would have visitors are left out, and told of", async () => {
  const CanaryTags = ["urlprefix-blog.test/ weight=0.1", "green"];
  const { definition, notes } = await adopt({ service: { CanaryTags } });
  expect(definition.nomad.service).toEqual({ CanaryTags: ["green"] });
  expect(notes).toEqual([
    "Of its canaries' tags `urlprefix-blog.test/ weight=0.1` is left out: a release has visitors once it has proved healthy.",
  ]);
});

describe("a tag that a template puts in", () => {
  const template = {
    EmbeddedTmpl: 'IMAGE_TAG={{ key "configs/team/blog/IMAGE_TAG" }}\n',
    DestPath: "local/tag",
    Envvars: true,
    ChangeMode: "restart",
  };
  const Config = { image: "registry.test:5000/team/blog:${IMAGE_TAG}", ports: ["http"] };

  test("is left out: it would go on restarting all instances", async () => {
    const { definition, notes } = await adopt({ task: { Config, Templates: [template] } });
    expect(definition.nomad.task).toEqual({});
    expect(definition.image?.repository).toBe("registry.test:5000/team/blog");
    expect(notes).toEqual([
      "The template that sets IMAGE_TAG is left out: Steppe says which image runs, and it would restart all instances.",
    ]);
  });

  test("stays where it does more, and is told of", async () => {
    const Templates = [{ ...template, EmbeddedTmpl: "IMAGE_TAG=v1\nA=2\n" }];
    const { definition, notes } = await adopt({ task: { Config, Templates } });
    expect(definition.nomad.task["Templates"]).toHaveLength(1);
    const told =
      /^Its image is `.*IMAGE_TAG}`: the template that puts the tag in there .* restarts all instances whenever/;
    expect(notes[0]).toMatch(told);
    const quiet = await adopt({ task: { Config, Templates: [{ ...template, EmbeddedTmpl: "A=2\n" }] } });
    expect(quiet.notes[0]).toMatch(/^Its image is `.*IMAGE_TAG}`: what puts the tag in there is not needed any more/);
  });

  test("stays where the task has another use for it", async () => {
    const args = ["--version", "${IMAGE_TAG}"];
    const { definition } = await adopt({ task: { Config: { ...Config, args }, Templates: [template] } });
    expect(definition.nomad.task["Templates"]).toHaveLength(1);
    const env = await adopt({ task: { Config, Env: { VERSION: "${IMAGE_TAG}" }, Templates: [template] } });
    expect(env.definition.nomad.task["Templates"]).toHaveLength(1);
  });
});
