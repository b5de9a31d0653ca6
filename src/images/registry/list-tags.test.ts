import { describe, expect, test } from "vitest";
import { type Answerer, collect, fakeServer, testClient } from "./fakes.ts";
import { parseReference } from "./reference.ts";

async function list(answer: Answerer) {
  await using server = await fakeServer(answer);
  const { client } = testClient();
  const tags = await collect(client.tags(parseReference(`${server.host}/team/site`)));
  return { tags, targets: server.seen.map(({ target }) => target) };
}

describe("the tags of a repository", () => {
  test("come from all of its pages", async () => {
    const pages: Array<[string[] | null, string | undefined]> = [
      [["a", "b"], '</v2/team/site/tags/list?last=b&n=2>; rel="next"'],
      [null, '<?last=c>; rel="next"'],
      [["d"], undefined],
    ];
    const { tags, targets } = await list((_, response) => {
      const [tags, link] = pages.shift()!;
      response.writeHead(200, link === undefined ? {} : { link }).end(JSON.stringify({ name: "team/site", tags }));
    });
    expect(tags).toEqual(["a", "b", "d"]);
    expect(targets).toEqual(["n=1000", "last=b&n=2", "last=c"].map((query) => `/v2/team/site/tags/list?${query}`));
  });

  test.for<[string, Answerer]>([
    ["without end", (_, response) => response.writeHead(200, { link: '<?x>; rel="next"' }).end("{}")],
    ["that are none", (_, response) => response.end('{"tags":[1]}')],
    ["too long", (_, response) => response.end(JSON.stringify({ tags: ["x".repeat(5_000_000)] }))],
    [
      "that go on elsewhere in the clear",
      (_, response) => response.writeHead(200, { link: '<ftp://x/>; rel="next"' }).end("{}"),
    ],
  ])("%s are refused", async ([, answer]) => {
    await expect(list(answer)).rejects.toMatchObject({ code: "REGISTRY_ANSWER_INVALID" });
  });

  test("of one that is not there: it says so", async () => {
    await expect(list((_, response) => response.writeHead(404).end())).rejects.toMatchObject({
      code: "IMAGE_NOT_FOUND",
    });
  });
});
