import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readDelivery } from "../judge-delivery.ts";
import type { Hint, Judgement, Sender } from "../types.ts";
import { adapters } from "./adapters.ts";
import { NOW, sample } from "./fakes.ts";

const digest = (character: string): string => `sha256:${character.repeat(64)}`;
const commit = "c".repeat(40);
const github = [
  "https://github.com/Steppe/blog.git",
  "git@github.com:Steppe/blog.git",
  "https://github.com/Steppe/blog",
];
const gitea = [
  "https://git.example.com/sites/blog.git",
  "git@git.example.com:sites/blog.git",
  "https://git.example.com/sites/blog",
];
const delivery = "72d3162e-cc78-11e3-81ab-4c9367dc0958";
const giteaDelivery = "f6266f16-1bf3-46a5-9ea4-602e06ead473";

function image(registry: string, repository: string, more: Partial<Hint> = {}): Hint {
  return {
    kind: "image",
    registry,
    repository,
    tag: "v1.2.0",
    digest: null,
    eventId: null,
    at: null,
    ...more,
  } as Hint;
}

function ref(repositoryUrls: string[], eventId: string, more: Partial<Hint> = {}): Hint {
  return { kind: "ref", repositoryUrls, ref: "refs/tags/v1.2.0", commit, eventId, at: null, ...more } as Hint;
}

const registryEvent = (index: number): string => `320678d8-ca14-430f-8bb6-4ca139cd83f${index}`;
const distributionImage = (index: number, more: Partial<Hint> = {}): Hint =>
  image("registry.example.com:5000", "sites/blog", {
    digest: digest("a"),
    eventId: registryEvent(index),
    at: NOW + 123,
    ...more,
  });

/** Each sample, and its hints or why there is nothing to do. */
const expected: Array<[string, Sender, Hint[] | string]> = [
  ["docker-hub", "docker-hub", [image("docker.io", "steppe/blog", { at: 1_764_000_000_500 })]],
  ["github-ping", "github", "the event is ping"],
  ["github-push-tag", "github", [ref(github, delivery, { at: NOW })]],
  ["github-push-deleted", "github", "a ref was deleted"],
  ["github-create-tag", "github", [ref(github, delivery, { commit: null, at: NOW })]],
  ["ghcr-registry-package", "github", [image("ghcr.io", "steppe/blog", { digest: digest("a"), eventId: delivery })]],
  [
    "ghcr-package-no-tag",
    "github",
    [image("ghcr.io", "steppe/blog", { tag: null, digest: digest("a"), eventId: delivery })],
  ],
  ["github-package-npm", "github", "the package is of the type npm"],
  ["distribution-push", "distribution", [distributionImage(1)]],
  [
    "distribution-many",
    "distribution",
    [distributionImage(4), distributionImage(6, { tag: "v1.3.0", digest: digest("e") })],
  ],
  ["distribution-pull", "distribution", "the action is pull, not push, the action is delete, not push"],
  [
    "gitlab-tag-push",
    "gitlab",
    [
      ref(
        [
          "https://gitlab.example.com/sites/blog.git",
          "git@gitlab.example.com:sites/blog.git",
          "https://gitlab.example.com/sites/blog",
        ],
        "f5e57ec6-2b5f-4c6c-b1a4-09b9a1d9f3d1",
      ),
    ],
  ],
  ["gitlab-tag-deleted", "gitlab", "a ref was deleted"],
  ["gitlab-issue", "gitlab", "the event is issue"],
  ["gitlab-registry", "gitlab", [distributionImage(5)]],
  [
    "harbor-push",
    "harbor",
    [
      image("harbor.example.com", "sites/blog", {
        digest: digest("a"),
        eventId: `at 1795168800 ${digest("a")} v1.2.0`,
        at: NOW,
      }),
    ],
  ],
  ["harbor-push-by-digest", "harbor", "nothing was tagged"],
  ["harbor-pull", "harbor", "the event is PULL_ARTIFACT, not a push"],
  [
    "harbor-cloud-event",
    "harbor",
    [
      image("harbor.example.com", "sites/blog", {
        digest: digest("a"),
        eventId: `66e18103-09c1-41f6-982f-37df223f3eeb ${digest("a")} v1.2.0`,
        at: NOW,
      }),
    ],
  ],
  ["quay-push", "quay", [image("quay.io", "sites/blog"), image("quay.io", "sites/blog", { tag: "latest" })]],
  ["quay-build", "quay", "it is no push"],
  ["gitea-push-tag", "gitea", [ref(gitea, giteaDelivery)]],
  ["forgejo-create-tag", "gitea", [ref(gitea, giteaDelivery)]],
  ["gitea-package", "gitea", [image("git.example.com", "sites/blog", { eventId: giteaDelivery, at: NOW })]],
  ["forgejo-package-deleted", "gitea", "the package was deleted"],
  ["gitea-package-by-digest", "gitea", "nothing was tagged"],
];

function read(sender: Sender, { headers, body }: { headers: Record<string, string>; body: Buffer }): Judgement {
  return readDelivery(adapters[sender], { headers, body, pathToken: null, now: NOW });
}

/** A sample with something else in its body. */
function changed(name: string, change: (body: Record<string, unknown>) => unknown): ReturnType<typeof sample> {
  const { headers, body } = sample(name);
  return { headers, body: Buffer.from(JSON.stringify(change(JSON.parse(body.toString()) as Record<string, unknown>))) };
}

describe("what senders send", () => {
  test("each sample is read", () => {
    const names = readdirSync(new URL("samples", import.meta.url)).map((file) => file.replace(".json", ""));
    expect(names.sort()).toEqual(expected.map(([name]) => name).sort());
  });

  test.each(expected)("%s", (name, sender, wanted) => {
    const judgement = read(sender, sample(name));
    if (typeof wanted === "string") expect(judgement).toEqual({ verdict: "ignored", hints: [], reason: wanted });
    else expect(judgement).toEqual({ verdict: "accepted", hints: wanted, reason: null });
  });

  test("GitHub's form has its JSON in a field", () => {
    const { headers, body } = sample("github-push-tag");
    const form = Buffer.from(new URLSearchParams({ payload: body.toString() }).toString());
    const type = { "content-type": "application/x-www-form-urlencoded" };
    expect(read("github", { headers: { ...headers, ...type }, body: form })).toEqual(read("github", { headers, body }));
  });

  test("an older Quay has its tags as keys", () => {
    const older = changed("quay-push", (body) => ({ ...body, updated_tags: { "v1.2.0": "b750fe79", latest: "0" } }));
    expect(read("quay", older)).toEqual(read("quay", sample("quay-push")));
  });

  test("the time of Docker Hub may be missing or a text", () => {
    const at = (pushed: unknown): Judgement =>
      read(
        "docker-hub",
        changed("docker-hub", (body) => ({ ...body, push_data: { tag: "v1", pushed_at: pushed } })),
      );
    expect(at(undefined).hints[0]?.at).toBeNull();
    expect(at("2026-11-20T10:00:00Z").hints[0]?.at).toBe(NOW);
    expect(at(1e300).hints[0]?.at).toBeNull();
  });

  test("one event that cannot be read does not keep the others from being", () => {
    const mixed = changed("distribution-push", (body) => ({
      events: [{ id: 1 }, ...(body["events"] as unknown[]), 7],
    }));
    expect(read("distribution", mixed).hints).toHaveLength(1);
    expect(
      read(
        "distribution",
        changed("distribution-push", () => ({ events: [{ id: 1 }] })),
      ),
    ).toMatchObject({
      verdict: "refused",
      code: "DELIVERY_MALFORMED",
    });
    expect(
      read(
        "distribution",
        changed("distribution-push", () => ({ events: [] })),
      ).verdict,
    ).toBe("ignored");
  });
});

describe("what is refused", () => {
  test.each<[string, Sender, string, string]>([
    ["no JSON", "quay", "{", "the body is no JSON"],
    ["nothing", "quay", "", "the body is empty"],
    ["another type", "quay", "[]", "the body: "],
    ["no tag", "docker-hub", '{"push_data":{},"repository":{"repo_name":"a/b"}}', "push_data.tag: "],
    [
      "a repository that is none",
      "docker-hub",
      '{"push_data":{"tag":"v"},"repository":{"repo_name":"../b"}}',
      "the repo",
    ],
    [
      "a tag that is none",
      "docker-hub",
      '{"push_data":{"tag":"a b"},"repository":{"repo_name":"a/b"}}',
      "the tag is none",
    ],
    ["a host that is none", "quay", '{"docker_url":"@evil/a","updated_tags":["v"]}', "the registry's host is none"],
    ["nothing after the host", "quay", '{"docker_url":"quay.io","updated_tags":["v"]}', "docker_url: "],
  ])("%s", (_, sender, body, reason) => {
    const judgement = read(sender, { headers: { "content-type": "application/json" }, body: Buffer.from(body) });
    expect(judgement).toMatchObject({ verdict: "refused", code: "DELIVERY_MALFORMED" });
    expect(judgement.reason).toContain(reason);
  });

  test.each([
    "refs/notes/x",
    "v1",
    "refs/tags/",
    "refs/tags/a b",
    "refs/tags/a..b",
    "refs/tags/\u0000",
    "refs/heads/~1",
  ])("the ref %j", (name) => {
    const judgement = read(
      "github",
      changed("github-push-tag", (body) => ({ ...body, ref: name })),
    );
    expect(judgement.reason).toBe("the ref is neither a tag nor a branch");
  });

  test.each(["ext::sh -c x", "--upload-pack=x", "file:///etc", "https://a b/", ""])("the repository %j", (url) => {
    const one = changed("github-push-tag", (body) => ({ ...body, repository: { clone_url: url } }));
    expect(read("github", one).reason).toBe("the repository has no address");
  });

  test("a body that is compressed, is not UTF-8, or is another form", () => {
    const { headers, body } = sample("quay-push");
    expect(read("quay", { headers: { ...headers, "content-encoding": "gzip" }, body }).reason).toContain("compressed");
    expect(read("quay", { headers, body: Buffer.from([0x22, 0xff, 0x22]) }).reason).toContain("UTF-8");
    const form = { ...headers, "content-type": "application/x-www-form-urlencoded; charset=utf-8" };
    expect(read("quay", { headers: form, body: Buffer.from("a=b") }).reason).toContain("payload");
  });

  test.each(["gitlab", "harbor", "distribution"] as const)("a reason of %s is short, whatever it quotes", (sender) => {
    const long = "x".repeat(100_000);
    const said = { object_kind: long, type: long, events: sender === "distribution" ? [{ action: long }] : undefined };
    const { reason } = read(sender, { headers: {}, body: Buffer.from(JSON.stringify(said)) });
    expect(reason).toMatch(/^the (event|action) is x{180,}$/);
    expect(reason).toHaveLength(200);
  });

  test("a reason has nothing in it that a terminal would take for a command", () => {
    const judgement = read(
      "gitlab",
      changed("gitlab-issue", () => ({ object_kind: "\u001b]0;x\u0007é" })),
    );
    expect(judgement.reason).toBe("the event is ?]0;x??");
  });
});
