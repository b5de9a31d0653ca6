import { describe, expect, test } from "vitest";
import { replay } from "../../../../test/support/replay.ts";
import { testDefinition } from "../../../../test/support/test-definition.ts";
import { testConsul } from "../../../consul/fakes.ts";
import { checkFailure, expected, isFinalAnswer } from "./check-failure.ts";

const { check } = testDefinition("blog");

test("what Consul's own checks say, as they say it", async () => {
  await using server = await replay("consul", ["14-health-state-any"]);
  await using client = testConsul({ CONSUL_HTTP_ADDR: server.address });
  const { value } = await client.consul.health.state("any");
  const outputs = value.filter(({ type }) => type === "http");
  expect(outputs.length).toBeGreaterThan(0);
  for (const one of outputs)
    expect(checkFailure(one, check)?.cause).toMatch(/^GET \/\S* answered [0-9]{3}, expected 200–399$/);
});

describe("a check that is critical says", () => {
  test.each<[output: string, cause: string | undefined, isAnswer: boolean]>([
    [
      "HTTP GET http://10.0.0.1:8080/ready?full=1: 404 Not Found Output: <html>\nno</html>",
      "GET /ready?full=1 answered 404, expected 200–399",
      true,
    ],
    [
      "HTTP HEAD https://[fd00::1]:8080/: 500 Internal Server Error Output: ",
      "HEAD / answered 500, expected 200–399",
      true,
    ],
    ["HTTP GET http://10.0.0.1:8080/: 503 Service Unavailable Output: ", "GET / answered 503, expected 200–399", false],
    ["HTTP GET http://10.0.0.1:8080/: 429 Too Many Requests Output: ", "GET / answered 429, expected 200–399", false],
    ["HTTP GET http://[10.0.0.1]:9998/health: 404 Not Found", "GET /health answered 404, expected 200–399", true],
    ["HTTP GET nonsense: 404 Not Found", "GET nonsense answered 404, expected 200–399", true],
    [
      'Get "http://10.0.0.1:8080/": dial tcp 10.0.0.1:8080: connect: connection refused',
      'Get "http://10.0.0.1:8080/": dial tcp 10.0.0.1:8080: connect: connection refused',
      false,
    ],
    ["several\nlines of\n\toutput\n", "several lines of output", false],
    ["", undefined, false],
    [" \n", undefined, false],
  ])("%j", (output, cause, isAnswer) => {
    expect(checkFailure({ output }, check)).toEqual(cause === undefined ? undefined : { cause, isAnswer });
  });
});

test("statuses that are wanted, for a person", () => {
  expect(expected({ ...check, status: [200, 299] })).toBe("200–299");
  expect(expected({ ...check, status: [404, 404] })).toBe("404");
});

test("an answer is final unless it says that it is not ready", () => {
  expect([404, 500, 502, 503, 429].filter(isFinalAnswer)).toEqual([404, 500, 502]);
});
