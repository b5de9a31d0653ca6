import { createRequire } from "node:module";
import { describe, expect, test } from "vitest";
import { readDelivery, verifyDelivery } from "../judge-delivery.ts";
import type { Judgement } from "../types.ts";
import { github } from "./github.ts";
import { proven, SECRET } from "./fakes.ts";

interface Examples {
  name: string;
  examples: Array<Record<string, unknown>>;
}

const require = createRequire(import.meta.url);
const versions: Record<string, Examples[]> = {
  "github.com": require("@octokit/webhooks-examples") as Examples[],
  "Enterprise Server 3.1": require("@octokit/webhooks-examples/ghes-31/index.json") as Examples[],
  "Enterprise Server 3.5": require("@octokit/webhooks-examples/ghes-35/index.json") as Examples[],
};
const all = Object.entries(versions).flatMap(([version, events]) =>
  events.flatMap(({ name, examples }) =>
    examples.map((body, index) => ({ name: `${version} ${name} ${index}`, event: name, body })),
  ),
);

/** What comes of an example that is signed, as GitHub sends it. */
function judge(event: string, body: object): Judgement {
  const headers = { "content-type": "application/json", "x-github-event": event, "x-github-delivery": "1" };
  const delivery = proven("github", SECRET, { headers, body: Buffer.from(JSON.stringify(body)) });
  expect(verifyDelivery(github, delivery, [SECRET])).toBeUndefined();
  return readDelivery(github, delivery);
}

const named = (...events: string[]) => all.filter(({ event }) => events.includes(event));

describe("GitHub's own examples of deliveries", () => {
  test("there are some of each kind that we read", () => {
    const count = (event: string): number => named(event).length;
    expect(["ping", "push", "create", "package"].map(count).every((number) => number > 0)).toBe(true);
  });

  test.each(named("push", "create"))("$name is a ref that changed", ({ event, body }) => {
    const full = event === "push" ? String(body["ref"]) : `refs/tags/${String(body["ref"])}`;
    const { clone_url: url } = body["repository"] as { clone_url: string };
    const isDeleted = body["deleted"] === true;
    const judgement = judge(event, body);
    expect(judgement).toMatchObject(
      isDeleted
        ? { verdict: "ignored", reason: "a ref was deleted" }
        : { verdict: "accepted", hints: [{ kind: "ref", ref: full, repositoryUrls: expect.arrayContaining([url]) }] },
    );
  });

  // They are of GHCR by their ecosystem, and of npm by their type: which one is right differs from event to event.
  test.each(named("package"))("$name is an image, with its digest and the repository that its address names", (one) => {
    const said = one.body["package"] as { ecosystem: string; name: string; package_version: { name: string } };
    expect(said.ecosystem).toMatch(/^(container|docker)$/i);
    const hint = { kind: "image", registry: "ghcr.io", tag: null, digest: said.package_version.name };
    const judgement = judge("package", one.body);
    expect(judgement).toMatchObject({ verdict: "accepted", hints: [hint] });
    expect(judgement.hints[0]).toMatchObject({
      repository: expect.stringMatching(/^codertocat\/hello-world(-npm)?$/) as string,
    });
  });

  test.each(named("package"))("$name is none if it is npm's alone", ({ body }) => {
    const npm = { ...(body["package"] as object), ecosystem: "npm" };
    expect(judge("package", { ...body, package: npm })).toMatchObject({
      verdict: "ignored",
      reason: "the package is of the type npm",
    });
  });

  test("whatever else comes is understood, and nothing is done", () => {
    const others = all.filter(({ event }) => !["push", "create", "package"].includes(event));
    const wrong = others.filter(({ event, body }) => judge(event, body).verdict !== "ignored");
    expect(wrong.map(({ name }) => name)).toEqual([]);
    expect(others.length).toBeGreaterThan(300);
  });
});
