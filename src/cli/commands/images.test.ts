import type { ServerResponse } from "node:http";
import { expect, test } from "vitest";
import type { ImageDetails, ImageView, Release } from "../../api/types.ts";
import { answerError, blog, FakeWorld, view } from "../fake-world.ts";

const A = `sha256:${"a".repeat(64)}`;
const B = `sha256:${"ab".repeat(32)}`;
const use = { app: "blog", release: 3, live: true, source: "refs/tags/v3" };
const kept: ImageView[] = [
  {
    digest: A,
    kind: "data",
    files: 1200,
    bytes: 5_000_000,
    createdAt: 0,
    uses: [use, { ...use, release: 2, live: false }],
  },
  { digest: B, kind: "program", files: 0, bytes: 9000, createdAt: 0, uses: [] },
];
const release: Release = {
  app: "blog",
  number: 3,
  image: A,
  definition: blog,
  ref: "refs/tags/v3",
  commit: null,
  reference: null,
  deployment: 1,
  createdAt: 0,
  live: true,
};
const details: ImageDetails = {
  digest: A,
  reference: "ghcr.io/team/site:v2",
  kept: null,
  mediaType: "application/vnd.oci.image.index.v1+json",
  platforms: ["linux/amd64", "linux/arm64"],
  manifest: {},
  config: { config: { Entrypoint: ["/run"], User: "" } },
  layers: [{ digest: B, size: 2048, mediaType: "application/vnd.oci.image.layer.v1.tar+gzip" }],
  served: { by: null, why: "it is a program" },
};

async function serving(): Promise<FakeWorld> {
  const world = await FakeWorld.make();
  world.routes.set("GET /v1/images", kept);
  world.routes.set("GET /v1/apps", [view]);
  world.routes.set("GET /v1/apps/blog/releases", [release]);
  world.routes.set("GET /v1/images/inspect", details);
  return world;
}

test("ls shows what is kept, what needs it, and until when the rest stays", async () => {
  await using world = await serving();
  const { stdout } = await world.run("image", "ls");
  expect(stdout).toContain("aaaaaaaaaaaa  data     1,200  4.8 MiB  blog 3 (live), 2   v3");
  expect(stdout).toContain("abababababab  program  -      8.8 KiB  nothing, until gc  -");
  expect(JSON.parse((await world.run("image", "ls", "--json")).stdout)).toEqual(kept);
});

test("ls tells an image of a registry by its tag: its digest has a column of its own", async () => {
  await using world = await serving();
  const sources = [`127.0.0.1:5000/site:v1@${B}`, `ghcr.io/team/site@${B}`, "refs/tags/v1@2"];
  const [first] = kept;
  world.routes.set(
    "GET /v1/images",
    sources.map((source) => ({ ...first, uses: [{ ...use, source }] })),
  );
  const { stdout } = await world.run("image", "ls");
  expect(stdout).toMatch(/  127\.0\.0\.1:5000\/site:v1  /);
  expect(stdout).toMatch(/  ghcr\.io\/team\/site  /);
  expect(stdout).toMatch(/  v1@2  /);
});

test("inspect asks for the image that was named, whichever way", async () => {
  await using world = await serving();
  const asked = async (name: string): Promise<string> => {
    const { code, stderr } = await world.run("image", "inspect", name);
    expect([code, stderr]).toEqual([0, ""]);
    return decodeURIComponent(world.requests.at(-1)?.[0].split("of=")[1] ?? "");
  };
  expect(await asked("blog")).toBe(A);
  expect(await asked("blog:3")).toBe(A);
  expect(await asked("abababab")).toBe(B);
  expect(await asked(A)).toBe(A);
  expect(await asked("ghcr.io/team/site:v2")).toBe("ghcr.io/team/site:v2");
  expect((await world.run("image", "inspect", "blog:9")).stderr).toContain("there is no such release");
  const { stdout } = await world.run("image", "inspect", "ghcr.io/team/site:v2");
  expect(stdout).toMatch(/served +no: it is a program\n/);
  expect(stdout).toMatch(/entrypoint +\["\/run"\]\n/);
  expect(stdout).toMatch(/layers +1, 2.0 KiB\n/);
});

test("inspect of a name that is nobody's says that Docker Hub was asked; the begin of a digest is never asked for there", async () => {
  await using world = await serving();
  world.routes.set("GET /v1/images/inspect", (_: unknown, response: ServerResponse) =>
    answerError(response, "IMAGE_NOT_FOUND", "no such image"),
  );
  const misspelled = await world.run("image", "inspect", "blgo");
  expect(misspelled.code).toBe(3);
  expect(misspelled.stderr).toContain("is called `blgo`, so Docker Hub was asked");
  expect((await world.run("image", "inspect", "ghcr.io/team/site:v2")).stderr).not.toContain("so Docker Hub");
  const asked = world.requests.length;
  const begin = await world.run("image", "inspect", "sha256:dada");
  expect([begin.code, begin.stderr]).toEqual([3, expect.stringContaining("neither an app nor an image")]);
  expect(world.requests.slice(asked).map(([request]) => request)).toEqual(["GET /v1/images"]);
  expect((await world.run("image", "inspect", "sha256:ab", "--json")).code).toBe(3);
  expect(decodeURIComponent(world.requests.at(-1)?.[0].split("of=")[1] ?? "")).toBe(B);
});

test("pull and push say what came of it", async () => {
  await using world = await serving();
  const lines = (...events: object[]): string => events.map((event) => `${JSON.stringify(event)}\n`).join("");
  world.routes.set("POST /v1/images/pull", lines({ message: "pulling" }, { image: kept[1] }));
  const pulled = await world.run("image", "pull", "ghcr.io/team/site:v2");
  expect(pulled.stdout).toBe(
    `${B}: a program, 8.8 KiB\nNo release uses it: it is kept until the next garbage collection.\n`,
  );
  const pushed = {
    digest: A,
    reference: "ghcr.io/team/site:v3",
    blobs: { there: 1, mounted: 1, uploaded: 3 },
    bytes: 2048,
  };
  world.routes.set("POST /v1/images/push", lines({ pushed }));
  const { stdout } = await world.run("image", "push", "blog", "ghcr.io/team/site:v3");
  expect(stdout).toBe(`ghcr.io/team/site:v3@${A}\nPushed 2.0 KiB in 3 blobs; 2 were there.\n`);
  expect(world.requests.at(-1)?.[1]).toEqual({ digest: A, reference: "ghcr.io/team/site:v3" });
  const unknown = await world.run("image", "push", "nothing", "ghcr.io/team/site:v3");
  expect([unknown.code, unknown.stderr]).toEqual([3, expect.stringContaining("neither an app nor an image")]);
  const error = { code: "REGISTRY_DENIED", operation: "push", subject: "x", cause: "denied", hint: "log in" };
  world.routes.set("POST /v1/images/push", lines({ error }));
  expect((await world.run("image", "push", "blog", "x/y:z")).stderr).toContain("push x: denied");
});
