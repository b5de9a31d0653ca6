import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fault } from "../../test/support/fault.ts";
import { testDefinition } from "../../test/support/test-definition.ts";
import { SteppeError } from "../shared/errors.ts";
import { definitionFromOptions } from "./definition-from-options.ts";
import { parseDefinition } from "./parse-definition.ts";

const blog = testDefinition("blog");

describe("definitionFromOptions names the option", () => {
  test.each([
    [{}, "USAGE", "it has no domain; give it one, such as `--domain blog.localhost`"],
    [{ domain: ["http://x.test"] }, "DOMAIN_INVALID", "--domain `http://x.test` has a scheme; leave out `http://`"],
    [{ domain: ["x.test"], poll: "x" }, "USAGE", "--poll is no duration; write `30s`, `5m`, `1h` or `1h30m`"],
    [{ domain: ["x.test"], output: "x" }, "USAGE", "--output is given without --build"],
    [{ domain: ["x.test"], imageSite: "/www" }, "USAGE", "--image-site is given without --image"],
    [{ domain: ["x.test"], image: "a/b", imageSite: "www" }, "USAGE", /^--image-site does not begin with `\/`/],
    [{ domain: ["x.test"], dockerfile: "/D" }, "USAGE", /^--dockerfile is absolute/],
    [{ domain: ["x.test"], window: ["x"] }, "USAGE", /^--window /],
    [{ domain: ["x.test"], build: "x", env: ["A"] }, "USAGE", '--env "A" is no NAME=VALUE'],
    [{ domain: ["x.test"], build: "x", env: ["1=a"] }, "USAGE", /^--env 1 is no name of a variable/],
    [{ domain: ["x.test"], keepReleases: "0" }, "USAGE", /^--keep-releases is less than 1/],
    [{ domain: ["x.test"], checkStatus: "2xx" }, "USAGE", "--check-status is no status; write 200 or `200-399`"],
  ])("%j", (options, code, cause) => {
    const error = fault(() => definitionFromOptions("blog", options));
    expect(error.code).toBe(code);
    expect(error.reason).toMatch(cause);
  });
});

describe("parseDefinition", () => {
  test.each<[string, unknown, string, RegExp]>([
    ["nothing", undefined, "CONFIG_INVALID", /the definition is missing/],
    ["a text", "x", "CONFIG_INVALID", /is the text "x" and should be a map/],
    ["a bad domain", { ...blog, domains: ["a b"] }, "DOMAIN_INVALID", /^domains\[0\] `a b` has a space in it$/],
    ["no domain", { ...blog, domains: [] }, "CONFIG_INVALID", /^domains is empty/],
    ["a domain twice", { ...blog, domains: ["a.test", "A.test"] }, "DOMAIN_INVALID", /`a\.test` is there twice/],
    ["an extra key", { ...blog, pollms: 5 }, "CONFIG_INVALID", /^pollms is not known; did you mean `pollMs`\?$/],
    ["a bad name", { ...blog, name: "../x" }, "CONFIG_INVALID", /^name is no name of an app/],
    ["a path out", { ...blog, folder: "../x" }, "CONFIG_INVALID", /^folder leads out of the repository/],
    ["a fraction", { ...blog, pollMs: 1000.5 }, "CONFIG_INVALID", /^pollMs .*whole number/],
    [
      "an auto with settings",
      { ...blog, dockerfile: { ...blog.dockerfile, target: "x" } },
      "CONFIG_INVALID",
      /^dockerfile is `auto`/,
    ],
    [
      "two ways of building",
      {
        ...blog,
        build: { command: "x", output: "public", env: {}, cache: [], timeoutMs: 1000 },
        dockerfile: { ...blog.dockerfile, auto: false },
      },
      "CONFIG_INVALID",
      /^dockerfile is there beside `build`/,
    ],
    [
      "a tag",
      { ...blog, image: { repository: "a/b:v1", site: null } },
      "CONFIG_INVALID",
      /^image\.repository has a tag/,
    ],
    [
      "an extra policy",
      { ...blog, policy: { ...blog.policy, approv: 1 } },
      "CONFIG_INVALID",
      /^policy\.approv .*`approve`/,
    ],
    ["a helper", { ...blog, repository: "ext::sh -c x" }, "CONFIG_INVALID", /^repository has a space/],
  ])("refuses %s", (_, json, code, cause) => {
    const error = fault(() => parseDefinition(json));
    expect(error.code).toBe(code);
    expect(error.reason).toMatch(cause);
  });

  test("what was said before there were images and policies is still understood", () => {
    const { dockerfile: _, image: __, policy: ___, ...before } = blog;
    expect(parseDefinition(before)).toEqual({ ...blog, dockerfile: null });
  });

  test("never throws anything else", () => {
    fc.assert(
      fc.property(fc.anything(), (json) => {
        expect(fault(() => parseDefinition(json))).toBeInstanceOf(SteppeError);
      }),
    );
  });
});
