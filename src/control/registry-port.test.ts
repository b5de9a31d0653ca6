import { expect, test } from "vitest";
import { startDockerRegistry } from "../../test/support/docker-registry.ts";
import { pageLayer, putBlob, putManifest, tinyImage } from "../../test/support/tiny-image.ts";
import { systemClock } from "../shared/clock.ts";
import { registryPort } from "./registry-port.ts";

const { signal } = new AbortController();
const MADE = Date.UTC(2026, 0, 1);

test("a real registry tells its tags, what they stand for and when that was made; what is missing is no error", async (context) => {
  await using registry = await startDockerRegistry(context);
  const port = registryPort({ env: {}, insecure: new Set(), clock: systemClock });
  using reader = await port.open();
  const repository = `${registry.host}/team/blog`;
  expect(await reader.tags(repository, 9, signal)).toBeUndefined();
  expect(await reader.resolve(`${repository}:v1`, signal)).toBeUndefined();
  expect(await reader.createdAt(`${repository}:v1`, signal)).toBeNull();

  const image = tinyImage(await pageLayer("<p>v1"), MADE);
  await putBlob(registry.host, "team/blog", image.layer);
  await putBlob(registry.host, "team/blog", image.config);
  for (const tag of ["v1", "v2", "v3"]) await putManifest(registry.host, "team/blog", tag, image);
  expect(await reader.tags(repository, 9, signal)).toEqual(["v1", "v2", "v3"]);
  expect(await reader.tags(repository, 2, signal)).toHaveLength(2);
  expect(await reader.resolve(`${repository}:v2`, signal)).toBe(image.digest);
  expect(await reader.resolve(`${repository}@${image.digest}`, signal)).toBe(image.digest);
  expect(await reader.createdAt(`${repository}@${image.digest}`, signal)).toBe(MADE);
});

test("who gives up gets the reason, and no answer that says that there is nothing", async () => {
  const port = registryPort({ env: {}, insecure: new Set(), clock: systemClock });
  using reader = await port.open();
  await expect(reader.resolve("127.0.0.1:1/team/blog:v1", AbortSignal.abort(new Error("enough")))).rejects.toThrow(
    "enough",
  );
});
