import { connect } from "node:net";
import { expect, test } from "vitest";
import { recordingLogger, startApi, TOKEN } from "./fakes.ts";

/** All that comes back on a connection until it is closed. */
async function answersTo(port: number, sent: string): Promise<string> {
  const socket = connect({ port, host: "127.0.0.1" });
  let text = "";
  socket.on("data", (piece: Buffer) => (text += piece.toString("latin1")));
  socket.on("error", () => {}); // reset by the other side; `close` follows
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.write(sent);
  await closed;
  return text;
}

test("a connection that brings thousands of requests at once is cut off", async () => {
  await using running = await startApi();
  const one = `GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:${running.port}\r\n\r\n`;
  const text = await answersTo(running.port, one.repeat(5000));
  expect(text.split("HTTP/1.1 ").length - 1).toBeLessThanOrEqual(16);
  expect((await running.call("/healthz")).status).toBe(204);
});

test.each([
  ["of whoever has the token", `Authorization: Bearer ${TOKEN}\r\n`],
  ["of a stranger", ""],
])("a body %s that comes byte by byte is cut off", async (_, authorization) => {
  await using running = await startApi();
  const head = `POST /v1/apply HTTP/1.1\r\nHost: 127.0.0.1:${running.port}\r\n${authorization}Content-Type: application/json\r\n`;
  const text = await answersTo(
    running.port,
    `${head}Transfer-Encoding: chunked\r\n\r\n${"1\r\n \r\n".repeat(5000)}0\r\n\r\n`,
  );
  expect(text).not.toContain("HTTP/1.1 2");
  expect((await running.call("/healthz")).status).toBe(204);
});

test("what proves a sender of webhooks that was given the API's port stands in no log", async () => {
  const lines: Parameters<typeof recordingLogger>[0] = [];
  await using running = await startApi({ log: recordingLogger(lines) });
  for (const token of [null, TOKEN, "wrong"]) await running.call("/hooks/hub/the-secret", { method: "POST", token });
  expect(lines.filter(({ message }) => message === "request")).toHaveLength(3);
  expect(JSON.stringify(lines)).toContain("/hooks/hub/***");
  expect(JSON.stringify(lines)).not.toContain("the-secret");
});
