import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SteppeError } from "../../shared/errors.ts";
import { formatReference, type ImageReference, parseReference } from "./reference.ts";

const sha = `sha256:${"ab".repeat(32)}`;

test.for([
  ["nginx", "docker.io/library/nginx:latest"],
  ["nginx:1.27", "docker.io/library/nginx:1.27"],
  ["team/site", "docker.io/team/site:latest"],
  ["index.docker.io/nginx", "docker.io/library/nginx:latest"],
  ["registry-1.docker.io/team/site:v1", "docker.io/team/site:v1"],
  ["localhost/site", "localhost/site:latest"],
  ["localhost:5000/site:v2", "localhost:5000/site:v2"],
  ["Registry.Example.com/a/b/c", "registry.example.com/a/b/c:latest"],
  ["[::1]:5000/site", "[::1]:5000/site:latest"],
  ["127.0.0.1:5000/a__b/c-d---e.f_g", "127.0.0.1:5000/a__b/c-d---e.f_g:latest"],
  [`ghcr.io/team/site@${sha}`, `ghcr.io/team/site@${sha}`],
  [`ghcr.io/team/site:v1@${sha}`, `ghcr.io/team/site:v1@${sha}`],
  [`site@sha512:${"0".repeat(128)}`, `docker.io/library/site@sha512:${"0".repeat(128)}`],
] as const)("%s is %s", ([text, whole]) => {
  expect(formatReference(parseReference(text))).toBe(whole);
});

test.for([
  ["", "it is empty"],
  ["a".repeat(2000), "longer than 1024"],
  [`a.example/${"a".repeat(300)}`, "longer than 255"],
  ["site:", 'its tag ""'],
  ["site:-v1", 'its tag "-v1"'],
  [`site:${"v".repeat(129)}`, "its tag"],
  ["site:v1:v2", "its tag"],
  ["site@sha256:abc", 'its digest "sha256:abc"'],
  [`site@sha256:${"AB".repeat(32)}`, "its digest"],
  ["site@", 'its digest ""'],
  ["Site", 'the part "Site" of its repository has upper-case'],
  ["a//b", 'the part "" of its repository'],
  ["/site", 'the part "" of its repository'],
  ["a.example/../b", 'the part ".." of its repository'],
  ["ghcr.io/team/", 'the part "" of its repository'],
  ["a___b", 'the part "a___b"'],
  ["host:0/site", 'the port "0"'],
  ["host:65536/site", 'the port "65536"'],
  ["host:/site", 'the port ""'],
  ["-a.example/site", 'its registry "-a.example"'],
  ["a..example/site", 'its registry "a..example"'],
  ["[::g]/site", 'its registry "[::g]"'],
  ["user@host.example/site", "its digest"],
  ["https://host.example/site", 'the port ""'],
] as const)("%s is refused: %s", ([text, why]) => {
  expect(() => parseReference(text)).toThrow(expect.objectContaining({ code: "REFERENCE_INVALID" }));
  expect(() => parseReference(text)).toThrow(why);
});

const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,6}[a-z0-9])?$/);
const host = fc.oneof(
  fc.array(label, { minLength: 2, maxLength: 3 }).map((labels) => `${labels.slice(0, -1).join(".")}.example`),
  fc.constantFrom("localhost", "[::1]", "10.0.0.1"),
);
const registry = fc.oneof(
  host,
  fc.tuple(host, fc.integer({ min: 1, max: 65_535 })).map(([name, port]) => `${name}:${port}`),
);
const name = fc.stringMatching(/^[a-z0-9]{1,4}((\.|_|__|-{1,3})[a-z0-9]{1,3}){0,2}$/);
const repository = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join("/"));
const tag = fc.stringMatching(/^\w[\w.-]{0,20}$/);
const digest = fc.stringMatching(/^[0-9a-f]{64}$/).map((hex) => `sha256:${hex}`);

describe("any reference", () => {
  test("is read as it was written", () => {
    const kinds = fc.oneof(
      fc.record({ registry, repository, tag }),
      fc.record({ registry, repository, digest }),
      fc.record({ registry, repository, tag, digest }),
    );
    fc.assert(
      fc.property(kinds, (reference: ImageReference) => {
        expect(parseReference(formatReference(reference))).toEqual(reference);
      }),
    );
  });

  test("text is read, or refused with its code; what is read is stable", () => {
    const text = fc.oneof(fc.string(), fc.stringMatching(/^[a-zA-Z0-9:@/.[\]_-]{0,40}$/));
    fc.assert(
      fc.property(text, (input) => {
        let reference: ImageReference;
        try {
          reference = parseReference(input);
        } catch (error) {
          expect(error).toBeInstanceOf(SteppeError);
          return;
        }
        expect(parseReference(formatReference(reference))).toEqual(reference);
        const { pathname } = new URL(`http://${reference.registry}/v2/${reference.repository}/x`);
        expect(pathname).toBe(`/v2/${reference.repository}/x`);
      }),
    );
  });
});
