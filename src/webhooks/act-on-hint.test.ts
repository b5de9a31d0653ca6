import { expect, test } from "vitest";
import { type Hint, HintActor, type ImageHint, type RefHint } from "./index.ts";

const anything = { commit: null, digest: null, eventId: null, at: null };
const image = (tag: string | null): ImageHint => ({
  ...anything,
  kind: "image",
  registry: "r.test",
  repository: "team/blog",
  tag,
});
const ref = (...repositoryUrls: string[]): RefHint => ({
  ...anything,
  kind: "ref",
  repositoryUrls,
  ref: "refs/tags/v1",
});

async function act(hints: readonly Hint[], webhook = "hub") {
  const asked: unknown[] = [];
  const actor = new HintActor({
    async imageChanged(hint, requestId) {
      asked.push(hint, requestId);
      return "an image";
    },
    async repositoryChanged(urls, requestId) {
      asked.push(urls, requestId);
      return "a repository";
    },
  });
  return { outcome: await actor.act(hints, webhook, new AbortController().signal), asked };
}

test("hints of an image are one question, about each tag once", async () => {
  expect(await act([image("v1"), image("v2"), image("v1")])).toEqual({
    outcome: "an image",
    asked: [{ registry: "r.test", repository: "team/blog", tags: ["v1", "v2"], isProven: true }, "webhook-hub"],
  });
});

test("one that does not tell its tag asks for all of them", async () => {
  const { asked } = await act([image("v1"), image(null)]);
  expect(asked[0]).toMatchObject({ tags: null });
});

test("of what came by an open path nobody knows who says so", async () => {
  expect((await act([image("v1")], "/blog")).asked[0]).toMatchObject({ tags: ["v1"], isProven: false });
});

test("hints of a ref name every address of its repository", async () => {
  expect(await act([ref("https://a.test/b", "git@a.test:b"), ref("https://a.test/b")])).toEqual({
    outcome: "a repository",
    asked: [["https://a.test/b", "git@a.test:b"], "webhook-hub"],
  });
});
