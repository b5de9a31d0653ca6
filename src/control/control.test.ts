import { expect, test } from "vitest";
import type { DeploymentEvent } from "../deployer/index.ts";
import { SteppeError } from "../shared/errors.ts";
import { jsonAnnouncer, plainAnnouncer } from "./announcer.ts";
import { createLogger, prettyLine } from "./logger.ts";

const addresses = {
  http: "http://127.0.0.1:1",
  https: "https://127.0.0.1:2",
  api: "http://127.0.0.1:3",
  git: "http://127.0.0.1:3/git/",
  webhooks: null,
};
const live: DeploymentEvent = {
  deployment: 1,
  app: "blog",
  seq: 7,
  at: 1,
  event: "live",
  message: "routed",
  elapsedMs: 1234,
};

function recorded(isTTY = false) {
  const lines: string[] = [];
  return { lines, output: { isTTY, write: (text: string) => lines.push(text) } };
}

test("json: one object a line, `ready` with every address", () => {
  const { lines, output } = recorded();
  const announcer = jsonAnnouncer(output, () => 5);
  announcer.deployment(live);
  announcer.ready(addresses, "1.0.0", 10);
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    {
      event: "deployment",
      at: 5,
      step: "live",
      deployment: 1,
      app: "blog",
      seq: 7,
      message: "routed",
      elapsedMs: 1234,
    },
    { event: "ready", at: 5, ...addresses, version: "1.0.0", elapsedMs: 10 },
  ]);
});

test("plain: a line a step with its time, a failure with its detail, no colours off a terminal", () => {
  const { lines, output } = recorded();
  const announcer = plainAnnouncer(output, output, {});
  announcer.deployment(live);
  announcer.deployment({ ...live, event: "log", message: "a line of a build" });
  const error = {
    code: "BUILD_FAILED",
    operation: "build",
    subject: "blog",
    cause: "exit 1",
    hint: "look",
    detail: "oh\nno",
  } as const;
  announcer.deployment({ ...live, event: "failed", message: "build blog: exit 1", error });
  expect(lines).toEqual([
    "   1.2 s  blog         routed\n",
    "   1.2 s  blog         build blog: exit 1\n",
    "          oh\n          no\n",
  ]);
});

test("plain: an error is coloured on a terminal, unless NO_COLOR says otherwise", () => {
  const error = new SteppeError("PORT_TAKEN", {
    operation: "listen on",
    subject: "127.0.0.1:80",
    cause: "it is taken",
  });
  const { lines, output } = recorded(true);
  plainAnnouncer(output, output, {}).failed(error);
  plainAnnouncer(output, output, { NO_COLOR: "1" }).failed(error);
  expect(lines.map((line) => line.split("\n", 1)[0])).toEqual([
    "\u001b[31merror:\u001b[39m listen on 127.0.0.1:80: it is taken \u001b[2m[PORT_TAKEN]\u001b[22m",
    "error: listen on 127.0.0.1:80: it is taken [PORT_TAKEN]",
  ]);
});

test("a terminal obeys nothing that a tag's name, a build or a client wrote", () => {
  const { lines, output } = recorded(true);
  const evil = "\u001b]0;mine\u0007\u001b[2J\u009b31m\u202e\u2066\u200f\u061c";
  const error = {
    code: "BUILD_FAILED",
    operation: "build",
    subject: evil,
    cause: evil,
    hint: evil,
    detail: evil,
  } as const;
  const announcer = plainAnnouncer(output, output, {});
  announcer.deployment({ ...live, event: "failed", message: evil, error });
  announcer.failed(new SteppeError("BUILD_FAILED", error));
  createLogger(output, "info").info({ path: `${evil}\n12:00:00 INFO  forged`, err: new Error(evil) }, evil);
  for (const line of lines) {
    expect(line.replace(/\u001b\[\d{1,2}m/g, "")).not.toMatch(
      /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/,
    );
    expect(line).not.toContain("\n12:00:00");
  }
  expect(lines.join("")).toContain("\u001b[31m");
});

test("the log is JSON without secrets, and lines for people on a terminal", () => {
  const { lines, output } = recorded();
  createLogger(output, "info").child({ app: "blog" }).warn({ token: "secret", count: 2 }, "careful");
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({
    app: "blog",
    count: 2,
    msg: "careful",
    token: "[Redacted]",
    level: 40,
  });
  expect(prettyLine(lines[0] ?? "").slice(8)).toBe(" WARN  careful  app=blog  token=[Redacted]  count=2\n");
});
