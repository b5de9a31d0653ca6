import { describe, expect, test } from "vitest";
import { httpGet } from "./http-get.ts";
import { recording } from "./recording.ts";
import { replay } from "./replay.ts";

const host = "127.0.0.1";

describe("a replay", () => {
  test("answers a story in its order, as it was", async () => {
    await using server = await replay("consul", ["28-kv-get-missing", "29-kv-put", "33-kv-get"]);
    const missing = await httpGet(server.address, { host, path: "/v1/kv/t/a" });
    expect([missing.status, missing.text, missing.headers["x-consul-index"]]).toEqual([404, "", "281"]);
    expect((await httpGet(server.address, { host, path: "/v1/kv/t/a", method: "PUT", body: "hello" })).text).toBe(
      "true",
    );
    const found = await httpGet(server.address, { host, path: "/v1/kv/t/a" });
    expect(JSON.parse(found.text)).toMatchObject([{ Key: "t/a", Value: "aGVsbG8=", ModifyIndex: 298 }]);
    expect(server.seen).toEqual(["GET /v1/kv/t/a", "PUT /v1/kv/t/a", "GET /v1/kv/t/a"]);
  });

  test("fails its test when something else comes, or when what was to come does not", async () => {
    const files = ["29-kv-put", "33-kv-get"];
    const wrong = async (method: string, path: string, body = "hello"): Promise<void> => {
      await using server = await replay("consul", files);
      const answer = await httpGet(server.address, { host, path, method, body });
      expect(answer.status).toBe(501);
    };
    await expect(wrong("POST", "/v1/kv/t/a")).rejects.toThrow("in place of 29-kv-put (PUT /v1/kv/t/a hello) came POST");
    await expect(wrong("PUT", "/v1/kv/t/b")).rejects.toThrow("came PUT /v1/kv/t/b");
    await expect(wrong("PUT", "/v1/kv/t/a?cas=1")).rejects.toThrow("cas=1");
    await expect(wrong("PUT", "/v1/kv/t/a", "other")).rejects.toThrow("33-kv-get did not come: GET /v1/kv/t/a");
  });

  test("by request answers whatever was recorded, one after another, as often as it comes", async () => {
    await using server = await replay("consul", ["33-kv-get", "37-kv-get-after-same-put", "42-kv-keys"], {
      order: "request",
    });
    const indexes = [];
    for (let turn = 0; turn < 3; turn++) {
      const { headers } = await httpGet(server.address, { host, path: "/v1/kv/t/a" });
      indexes.push(headers["x-consul-index"]);
    }
    expect(indexes).toEqual(["298", "302", "302"]);
    await httpGet(server.address, { host, path: "/v1/kv/t?keys=" });
    server.verify();
  });

  test("knows a body by what it says as JSON, and parameters in any order", async () => {
    await using server = await replay("consul", ["67-session-create", "53-kv-blocking-timeout"]);
    const { request } = recording("consul", "67-session-create");
    const members = Object.entries(JSON.parse(request.body) as object).toReversed();
    const body = JSON.stringify(Object.fromEntries(members), undefined, 2);
    await httpGet(server.address, { host, path: "/v1/session/create", method: "PUT", body });
    await httpGet(server.address, { host, path: "/v1/kv/t/a?wait=2s&index=302" });
  });
});
