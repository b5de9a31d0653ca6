import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { recording } from "../../test/support/recording.ts";
import type { SteppeError } from "../shared/errors.ts";
import { fakeNomad, type TestNomad } from "./fakes.ts";

type Ask = (nomad: TestNomad["nomad"]) => Promise<unknown>;

const DEPLOYMENT = "5e88d707-25fe-a4f1-260d-8ac60c9ecbc5";
const register: Ask = ({ jobs }) => jobs.register({ ID: "web" });
const promote: Ask = ({ deployments }) => deployments.promote(DEPLOYMENT);
const revert: Ask = ({ jobs }) => jobs.revert("web", 0);
const parse: Ask = ({ jobs }) => jobs.parse("job {", { name: "web.nomad.hcl" });
const restart: Ask = ({ allocations }) => allocations.restart("a", { task: "t" });
const readLog: Ask = ({ logs }) => logs.read({ allocation: "a", task: "t", type: "stdout" });
const listDeployments: Ask = ({ deployments }) => deployments.list();

/** The error of a question that is answered so. */
async function errorOf(ask: Ask, status: number, body: string): Promise<SteppeError> {
  await using fake = await fakeNomad((_, response) => response.writeHead(status).end(body));
  return await ask(fake.nomad).then(
    () => expect.unreachable(),
    (error: unknown) => error as SteppeError,
  );
}

describe("what Nomad said when it was recorded", () => {
  const known: Array<[file: string, ask: Ask, code: string, reason: string, hint: string]> = [
    ["47-jobs-register-index-conflict", register, "NOMAD_JOB_CHANGED", "there is such a job already; ", "another name"],
    [
      "48-jobs-register-index-conflict-wrong",
      register,
      "NOMAD_JOB_CHANGED",
      "somebody changed the job in between (its index is 10, not 7); ",
      "steppe drift APP",
    ],
    [
      "144-job-revert-enforce-mismatch",
      revert,
      "NOMAD_JOB_CHANGED",
      "somebody changed the job in between (its version is 12, not 1); ",
      "steppe drift APP",
    ],
    [
      "52-deployment-promote-too-early",
      promote,
      "NOMAD_DEPLOYMENT_UNREADY",
      "0 of 1 canaries of web are healthy; ",
      "Wait until",
    ],
    [
      "62-deployment-promote-again",
      promote,
      "NOMAD_DEPLOYMENT_OVER",
      "the deployment has come to its end; ",
      "deploy again",
    ],
    [
      "95-deployment-fail-again",
      ({ deployments }) => deployments.fail(DEPLOYMENT),
      "NOMAD_DEPLOYMENT_OVER",
      "the deployment has come to its end; ",
      "deploy again",
    ],
    [
      "102-job-revert-wrong-prior",
      revert,
      "NOMAD_NOT_FOUND",
      "Nomad does not have version 0 of it, or not any more; ",
      "six versions",
    ],
    [
      "104-job-revert",
      revert,
      "NOMAD_NOT_FOUND",
      "Nomad does not have version 0 of it, or not any more; ",
      "six versions",
    ],
    [
      "105-job-stable",
      ({ jobs }) => jobs.setStable("web", 0, true),
      "NOMAD_NOT_FOUND",
      "Nomad does not have version 0 of it, or not any more; ",
      "six versions",
    ],
    ["103-job-revert-same", revert, "NOMAD_REFUSED", "that version is the current one; ", "nothing to go back to"],
    [
      "10-deployment-bad-id",
      ({ deployments }) => deployments.read("nope"),
      "NOMAD_REFUSED",
      "that is no whole id; ",
      "36 characters",
    ],
    [
      "140-deployment-short-id",
      ({ deployments }) => deployments.read("8582544d"),
      "NOMAD_REFUSED",
      "that is no whole id; ",
      "36 characters",
    ],
    ["139-deployments-prefix-odd", listDeployments, "NOMAD_REFUSED", "that is no whole id; ", "36 characters"],
    ["08-job-not-found", ({ jobs }) => jobs.scale("nope", "g", 1), "NOMAD_NOT_FOUND", "", "id"],
    ["15-jobs-parse-error", parse, "NOMAD_JOB_INVALID", "", "jobspec"],
    ["16-jobs-parse-empty", parse, "NOMAD_JOB_INVALID", "", "jobspec"],
    ["19-jobs-register-bad", register, "NOMAD_JOB_INVALID", "", "jobspec"],
    ["20-jobs-register-malformed", register, "NOMAD_REFUSED", "", "nomad monitor"],
    ["134-blocking-bad-wait", listDeployments, "NOMAD_REFUSED", "", "nomad monitor"],
    ["135-blocking-bad-index", listDeployments, "NOMAD_REFUSED", "", "nomad monitor"],
    ["172-event-stream-bad-topic", listDeployments, "NOMAD_REFUSED", "", "nomad monitor"],
    ["175-unknown-endpoint", listDeployments, "NOMAD_REFUSED", "", "too old"],
    ["176-bad-method", listDeployments, "NOMAD_REFUSED", "", "nomad monitor"],
    [
      "204-jobs-register-index-of-none",
      register,
      "NOMAD_JOB_CHANGED",
      "somebody removed the job in between; ",
      "makes it anew",
    ],
    ["205-jobs-register-namespace-missing", register, "NOMAD_NOT_FOUND", "", "NOMAD_NAMESPACE"],
    ["206-jobs-region-missing", listDeployments, "NOMAD_NOT_FOUND", "", "NOMAD_REGION"],
    ["211-client-fs-logs-no-task", readLog, "NOMAD_NOT_FOUND", "", "does not run there"],
    ["212-client-fs-logs-no-allocation", readLog, "NOMAD_NOT_FOUND", "", "id"],
    ["213-client-fs-logs-short-id", readLog, "NOMAD_REFUSED", "that is no whole id; ", "36 characters"],
    ["215-client-allocation-restart-no-task", restart, "NOMAD_NOT_FOUND", "", "does not run there"],
    ["216-allocation-stop-none", ({ allocations }) => allocations.stop("a"), "NOMAD_NOT_FOUND", "", "id"],
    ["217-deployment-promote-none", promote, "NOMAD_NOT_FOUND", "", "id"],
    ["218-job-revert-none", revert, "NOMAD_NOT_FOUND", "", "id"],
    [
      "219-job-scale-no-group",
      ({ jobs }) => jobs.scale("web", "nope", 1),
      "NOMAD_NOT_FOUND",
      "",
      "no group of that name",
    ],
    ["220-job-evaluate-none", ({ jobs }) => jobs.evaluate("nope"), "NOMAD_NOT_FOUND", "", "id"],
    [
      "221-job-stable-none",
      ({ jobs }) => jobs.setStable("nope", 0, true),
      "NOMAD_NOT_FOUND",
      "Nomad does not have version 0 of it, or not any more; ",
      "six versions",
    ],
  ];

  test.each(known)("%s", async (file, ask, code, reason, hint) => {
    const { status, bodyText = "" } = recording("nomad", file).response;
    const error = await errorOf(ask, status, bodyText);
    expect(error).toMatchObject({
      code,
      hint: expect.stringContaining(hint),
      cause: { status, body: bodyText.trim(), expected: expect.arrayContaining([200]) },
    });
    expect(error.reason).toContain(`${reason}Nomad at 127.0.0.1:`);
    expect(error.reason).toContain(` answered ${status} `);
    expect(error.reason).not.toContain("\n");
  });

  test("is known in full: there is no refusal among the recordings that means nothing here", () => {
    const folder = new URL("../../test/recordings/nomad/", import.meta.url);
    const files = readdirSync(folder).map((name) => name.replace(/\.json$/, ""));
    const refused = files.filter((file) => recording("nomad", file).response.status >= 400);
    const missing = [
      "09-deployment-not-found",
      "133-job-missing-blocking",
      "168-job-purged",
      "180-job-missing-blocking-current-index",
    ];
    expect(refused.sort()).toEqual([...known.map(([file]) => file), ...missing].sort());
  });

  test("is kept whole where a job is wrong in several ways", async () => {
    const { bodyText = "" } = recording("nomad", "19-jobs-register-bad").response;
    const { detail } = await errorOf(register, 500, bodyText);
    expect(detail?.split("\n")).toEqual([
      "2 errors occurred:",
      "  * Missing job datacenters",
      "  * Task group web validation failed: 1 error occurred:",
      "  * Task httpd validation failed: 1 error occurred:",
      "  * Missing task driver",
    ]);
  });
});

describe("what Nomad's sources say besides", () => {
  test.for([
    [500, "No cluster leader", "NOMAD_UNREACHABLE", "choosing a leader"],
    [500, "Not ready to serve consistent reads", "NOMAD_UNREACHABLE", "choosing a leader"],
    [500, "rpc error: No cluster leader", "NOMAD_UNREACHABLE", "choosing a leader"],
    [
      500,
      "rpc error: failed to get conn: dial tcp 10.0.0.2:4647: i/o timeout",
      "NOMAD_UNREACHABLE",
      "does not reach its servers",
    ],
    [500, "rpc error: EOF", "NOMAD_UNREACHABLE", "nomad server members"],
    [500, "No path to region", "NOMAD_NOT_FOUND", "NOMAD_REGION"],
    [500, "No path to node", "NOMAD_UNREACHABLE", "nomad node status"],
    [500, 'job "web" is in nonexistent namespace "nope"', "NOMAD_NOT_FOUND", "NOMAD_NAMESPACE"],
    [403, "Permission denied", "NOMAD_DENIED", "NOMAD_TOKEN"],
    [403, "ACL token not found", "NOMAD_DENIED", "no such token"],
    [500, "ACL token expired", "NOMAD_DENIED", "no such token"],
    [401, "", "NOMAD_DENIED", "NOMAD_TOKEN"],
    [
      403,
      "Job registration, dispatch, and scale are disabled by the scheduler configuration",
      "NOMAD_REFUSED",
      "scheduler get-config",
    ],
    [500, "job-submitter consul token denied: missing consul token", "NOMAD_DENIED", "Set CONSUL_HTTP_TOKEN"],
    [
      500,
      'job-submitter consul token denied: insufficient Consul ACL permissions to write service "web"',
      "NOMAD_DENIED",
      'service_prefix "" { policy = "write" }',
    ],
    [
      500,
      "job-submitter consul token denied: insufficient Consul ACL permissions to use template",
      "NOMAD_DENIED",
      'key_prefix "" { policy = "read" }',
    ],
    [
      500,
      "job-submitter consul token denied: unable to read consul token: Unexpected response code: 403 (ACL not found)",
      "NOMAD_DENIED",
      "Check CONSUL_HTTP_TOKEN",
    ],
    [
      500,
      'job-submitter consul token denied: unable to read consul token: Get "http://…": connect: connection refused',
      "NOMAD_UNREACHABLE",
      "consul members",
    ],
    [
      500,
      "job-submitter consul token denied: Unexpected response code: 403 (Permission denied: token with …)",
      "NOMAD_DENIED",
      'acl = "read"',
    ],
    [500, "Enforcing job modify index 7: job does not exist", "NOMAD_JOB_CHANGED", "makes it anew"],
    [500, "deployment not found", "NOMAD_NOT_FOUND", "id"],
    [500, 'Unknown allocation "x"', "NOMAD_NOT_FOUND", "id"],
    [500, "no canaries to promote", "NOMAD_DEPLOYMENT_UNREADY", "not placed yet"],
    [500, "something that nobody knows", "NOMAD_REFUSED", "nomad monitor"],
    [400, "Client sent an HTTP request to an HTTPS server.", "NOMAD_REFUSED", "begin NOMAD_ADDR with https://"],
    [429, "too many", "NOMAD_LIMITED", "http_max_conns_per_client"],
    [503, "", "NOMAD_UNREACHABLE", "NOMAD_ADDR"],
    [503, "backend not found", "NOMAD_UNREACHABLE", "NOMAD_ADDR"],
    [500, "open /alloc/logs/t.stdout.0: permission denied", "NOMAD_REFUSED", "nomad monitor"],
    [302, "", "NOMAD_ANSWER_INVALID", "NOMAD_ADDR"],
    [404, "<html>not found</html>", "NOMAD_REFUSED", "NOMAD_ADDR"],
  ] as const)("%d %s", async ([status, body, code, hint]) => {
    const error = await errorOf(listDeployments, status, body);
    expect(error).toMatchObject({
      code,
      operation: "list",
      subject: "Nomad's deployments",
      hint: expect.stringContaining(hint),
    });
    expect(error.cause).toMatchObject({ status, body, expected: [200] });
  });

  test("a 404 that is not Nomad's does not mean that there is no such job", async () => {
    const read: Ask = ({ jobs }) => jobs.read("web");
    expect(await errorOf(read, 404, "")).toMatchObject({ code: "NOMAD_REFUSED", cause: { status: 404 } });
    expect(await errorOf(read, 404, "<html>404 not found</html>")).toMatchObject({ code: "NOMAD_REFUSED" });
  });
});

describe("a refusal for want of a permission", () => {
  test.for<[ask: Ask, permission: string]>([
    [register, "the capability `submit-job` of the namespace"],
    [revert, "the capability `submit-job` of the namespace"],
    [promote, "the capability `submit-job` of the namespace"],
    [parse, "the capability `parse-job` of the namespace"],
    [({ jobs }) => jobs.list(), "the capability `list-jobs` of the namespace"],
    [({ jobs }) => jobs.read("web"), "the capability `read-job` of the namespace"],
    [listDeployments, "the capability `read-job` of the namespace"],
    [readLog, "the capability `read-logs` of the namespace"],
    [restart, "the capability `alloc-lifecycle` of the namespace"],
    [({ nodes }) => nodes.list(), '`node { policy = "read" }`'],
    [({ agent }) => agent.self(), '`agent { policy = "read" }`'],
  ])("names it: %s, %s", async ([ask, permission]) => {
    const { code, hint } = await errorOf(ask, 403, "Permission denied");
    expect([code, hint]).toEqual([
      "NOMAD_DENIED",
      expect.stringContaining(`The policy of NOMAD_TOKEN wants ${permission};`),
    ]);
  });
});

describe("an answer that is not Nomad's", () => {
  test.for([
    ["<html>Welcome</html>", "its answer is no JSON"],
    ["{}", "it is an object, not a list"],
    ['[{"ID":"a","JobID":"web"}]', "of its answer [0].JobVersion is missing"],
    [`${"[".repeat(200_000)}${"]".repeat(200_000)}`, "nested too deeply"],
  ] as const)("is told: %.60s", async ([body, cause]) => {
    expect(await errorOf(listDeployments, 200, body)).toMatchObject({
      code: "NOMAD_ANSWER_INVALID",
      reason: expect.stringContaining(cause),
    });
  });

  test("is not read without end", async () => {
    const error = await errorOf(
      ({ logs }) => logs.read({ allocation: "a", task: "t", type: "stdout" }),
      200,
      "x".repeat(33 * 1024 * 1024),
    );
    expect(error).toMatchObject({
      code: "NOMAD_ANSWER_INVALID",
      reason: expect.stringContaining("longer than 33554432 bytes"),
    });
  });
});

test("a call ends with its signal", async () => {
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  await using fake = await fakeNomad(() => resolve());
  const stop = new AbortController();
  const calls = [
    fake.nomad.jobs.read("web", { signal: stop.signal }),
    fake.nomad.jobs.register({ ID: "web" }, { signal: stop.signal }),
    fake.nomad.logs.read({ allocation: "a", task: "t", type: "stdout" }, { signal: stop.signal }),
  ];
  await asked;
  stop.abort(new Error("enough"));
  const reasons = (await Promise.allSettled(calls)).map((call) =>
    call.status === "rejected" ? String(call.reason) : "",
  );
  expect(reasons).toEqual(Array(3).fill("Error: enough"));
});

describe("a change whose answer is lost", () => {
  test.for<[string, Ask]>([
    ["a registration", register],
    ["a promotion", promote],
    ["a revert", revert],
    ["a restart", restart],
  ])("is not made twice, and says that it may have been made: %s", async ([, ask]) => {
    await using fake = await fakeNomad((_, response) => response.destroy());
    await expect(ask(fake.nomad)).rejects.toMatchObject({
      code: "NOMAD_UNREACHABLE",
      reason: `Nomad at ${fake.host}: the connection broke off; it may have been done all the same`,
    });
    expect(fake.seen).toHaveLength(1);
  });

  test.for<[string, Ask]>([
    ["a stop", ({ jobs }) => jobs.stop("web")],
    ["a plan", ({ jobs }) => jobs.plan({ ID: "web" })],
    ["a read", ({ jobs }) => jobs.read("web")],
  ])("is made again if it does no harm twice: %s", async ([, ask]) => {
    let tries = 0;
    await using fake = await fakeNomad((_, response) => {
      if (++tries < 3) response.destroy();
      else response.end("nonsense");
    });
    await expect(ask(fake.nomad)).rejects.toMatchObject({ code: "NOMAD_ANSWER_INVALID" });
    expect(tries).toBe(3);
  });

  test("names that cannot be addressed are refused before anything is sent", async () => {
    await using fake = await fakeNomad((_, response) => response.end("{}"));
    for (const ask of [
      () => fake.nomad.jobs.stop(".."),
      () => fake.nomad.jobs.versions(""),
      () => fake.nomad.deployments.fail("."),
    ]) {
      await expect(ask()).rejects.toMatchObject({ code: "USAGE" });
    }
    expect(fake.seen).toEqual([]);
    await fake.nomad.jobs.read("a/b c", {}).catch(() => {});
    expect(fake.seen[0]?.target).toBe("/v1/job/a%2Fb%20c");
  });
});
