import { expect, test } from "vitest";
import { SteppeClient } from "./client.ts";
import { image, startApi, TOKEN } from "./fakes.ts";

test("images are listed and inspected", async () => {
  await using api = await startApi();
  const client = new SteppeClient({ url: `http://127.0.0.1:${api.port}`, token: TOKEN });
  expect(await client.images()).toEqual([image]);
  expect(await client.inspectImage("ghcr.io/team/site:v2")).toMatchObject({ reference: "ghcr.io/team/site:v2" });
  const none = await api.call("/v1/images/inspect");
  expect([none.status, none.json()]).toEqual([400, expect.objectContaining({ code: "USAGE" })]);
});

test("a pull and a push tell what goes on, and at the end what came of it", async () => {
  await using api = await startApi();
  const client = new SteppeClient({ url: `http://127.0.0.1:${api.port}`, token: TOKEN });
  const told: string[] = [];
  expect(await client.pullImage("site:v1", (message) => told.push(message))).toEqual(image);
  expect(await client.pushImage(image.digest, "site:v2", (message) => told.push(message))).toMatchObject({ bytes: 7 });
  expect(told).toEqual(["pulling site:v1", "pushing"]);
});

test("what fails is the last line, and the client's error", async () => {
  await using api = await startApi();
  const client = new SteppeClient({ url: `http://127.0.0.1:${api.port}`, token: TOKEN });
  await expect(client.pushImage("sha256:0", "site:v2", () => {})).rejects.toMatchObject({ code: "IMAGE_NOT_FOUND" });
  for (const [path, json] of [
    ["pull", {}],
    ["pull", { reference: "" }],
    ["push", { reference: "x" }],
    ["push", { digest: "x", reference: "y", more: 1 }],
  ] as const) {
    expect((await api.call(`/v1/images/${path}`, { method: "POST", json })).status, JSON.stringify(json)).toBe(400);
  }
});
