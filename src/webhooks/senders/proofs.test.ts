import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readDelivery, verifyDelivery } from "../judge-delivery.ts";
import { type Delivery, type HeaderFields, type Judgement, type Sender, senders } from "../types.ts";
import { adapters } from "./adapters.ts";
import { NOW, proofs, proven, sample, SECRET, SIGNING_TOKEN } from "./fakes.ts";

const OTHER = "another-secret-of-a-webhook-98765";
const OTHER_TOKEN = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;

/** Why a delivery is refused; undefined if it is not. */
function refusal(sender: Sender, delivery: Delivery, ...secrets: string[]): string | undefined {
  return verifyDelivery(adapters[sender], delivery, secrets)?.reason;
}

function judgeDelivery(sender: Sender, delivery: Delivery, secrets: readonly string[]): Judgement {
  return verifyDelivery(adapters[sender], delivery, secrets) ?? readDelivery(adapters[sender], delivery);
}

const body = (bytes: Uint8Array): { headers: Record<string, string>; body: Buffer } => ({
  headers: { "content-type": "application/json" },
  body: Buffer.from(bytes),
});

describe.each(proofs)("$name", ({ name, sender, secret, prove }) => {
  const wrong = secret === SIGNING_TOKEN ? OTHER_TOKEN : OTHER;
  const right = proven(name, secret, body(Buffer.from("{}")));

  test("the right secret is let in, also while it is replaced", () => {
    expect(refusal(sender, right, secret)).toBeUndefined();
    expect(refusal(sender, right, wrong, secret)).toBeUndefined();
    expect(refusal(sender, right, secret, wrong)).toBeUndefined();
  });

  test("another one is not, nor none, nor an empty one", () => {
    expect(refusal(sender, right, wrong)).toMatch(/not the right one/);
    expect(refusal(sender, right)).toBe("the webhook has no secret");
    expect(refusal(sender, right, "", "")).toBe("the webhook has no secret");
  });

  test("without a proof, or with an empty one, nobody is let in", () => {
    const { headers, pathToken } = prove(secret, right.body);
    const without = { headers: {}, body: right.body, pathToken: null, now: NOW };
    expect(refusal(sender, without, secret)).toMatch(/^there is no|^the address has no token/);
    const empty = Object.fromEntries(Object.keys(headers).map((name) => [name, ""]));
    const emptied = { ...without, headers: empty, pathToken: pathToken === null ? null : "" };
    expect(refusal(sender, emptied, secret)).toBeTypeOf("string");
    expect(refusal(sender, emptied, "", secret)).toBeTypeOf("string");
  });

  test("the empty secret, wherever an empty one was set, lets nobody in", () => {
    const forged = proven(name, "", body(Buffer.from("{}")));
    expect(refusal(sender, forged, "")).toBe("the webhook has no secret");
    expect(refusal(sender, forged, secret)).toBeTypeOf("string");
  });

  test("over any body", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const delivery = proven(name, secret, body(bytes));
        expect(refusal(sender, delivery, secret)).toBeUndefined();
        const judgement = judgeDelivery(sender, delivery, [secret]);
        expect(judgement.verdict === "refused" ? judgement.code : "").not.toBe("WEBHOOK_UNVERIFIED");
      }),
    );
  });

  test("any other header or token is refused", () => {
    const names = Object.keys(prove(secret, right.body).headers);
    const values = fc.oneof(
      fc.string(),
      fc.string({ unit: "binary" }),
      fc.constantFrom("sha256=", "v1,", "Bearer ", secret.slice(1)),
    );
    fc.assert(
      fc.property(values, fc.nat(2), (value, index) => {
        fc.pre(!value.includes(secret) && value.trim() !== "msg_1");
        const header = names[index % Math.max(1, names.length)];
        const headers: HeaderFields = header === undefined ? {} : { ...right.headers, [header]: value };
        fc.pre(header === undefined || headers[header] !== right.headers[header]);
        const pathToken = header === undefined ? value : null;
        expect(refusal(sender, { ...right, headers, pathToken }, secret)).toBeTypeOf("string");
      }),
    );
  });
});

describe("signatures", () => {
  const signing = proofs.filter(({ sender, secret }) => adapters[sender].proof === "body" && secret !== SECRET);
  const hex = proofs.filter(({ sender }) => sender === "github" || sender === "gitea");

  test.each([...signing, ...hex])("of $name: no byte of the body can be changed", ({ name, sender, secret }) => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(bytes, fc.nat(), fc.integer({ min: 1, max: 255 }), (bytes, place, change) => {
        const delivery = proven(name, secret, body(bytes));
        const other = Buffer.from(bytes);
        const index = place % other.length;
        other[index] = (other[index] ?? 0) ^ change;
        expect(refusal(sender, { ...delivery, body: other }, secret)).toBe("the signature is not the right one");
        expect(refusal(sender, { ...delivery, body: Buffer.concat([delivery.body, other]) }, secret)).toBeTypeOf(
          "string",
        );
        expect(refusal(sender, { ...delivery, body: delivery.body.subarray(1) }, secret)).toBeTypeOf("string");
      }),
    );
  });

  test("a SHA-1 signature of GitHub is none", () => {
    const { body } = sample("github-push-tag");
    const sha1 = createHmac("sha1", SECRET).update(body).digest("hex");
    const delivery = { body, pathToken: null, now: NOW };
    expect(refusal("github", { ...delivery, headers: { "x-hub-signature": `sha1=${sha1}` } }, SECRET)).toContain(
      "no signature",
    );
    expect(refusal("github", { ...delivery, headers: { "x-hub-signature-256": `sha1=${sha1}` } }, SECRET)).toContain(
      "is no sig",
    );
  });

  test("a wrong signature of Forgejo's is not made good by Gitea's", () => {
    const right = proven("gitea", SECRET, sample("gitea-push-tag"));
    const headers = { ...right.headers, "x-forgejo-signature": "0".repeat(64) };
    expect(refusal("gitea", { ...right, headers }, SECRET)).toBe("the signature is not the right one");
    const empty = { ...right.headers, "x-forgejo-signature": "" };
    expect(refusal("gitea", { ...right, headers: empty }, SECRET)).toContain("there is no signature");
  });

  test("of GitLab: old and future ones, a changed id, and a secret that is no key", () => {
    const right = proven("gitlab that signs", SIGNING_TOKEN, sample("gitlab-tag-push"));
    expect(refusal("gitlab", { ...right, now: NOW + 299_000 }, SIGNING_TOKEN)).toBeUndefined();
    expect(refusal("gitlab", { ...right, now: NOW + 301_000 }, SIGNING_TOKEN)).toContain("five minutes");
    expect(refusal("gitlab", { ...right, now: NOW - 301_000 }, SIGNING_TOKEN)).toContain("five minutes");
    const moved = { ...right.headers, "webhook-id": "msg_2" };
    expect(refusal("gitlab", { ...right, headers: moved }, SIGNING_TOKEN)).toBe("the signature is not the right one");
    expect(refusal("gitlab", right, "whsec_")).toBe("the webhook's secret is no signing token");
    const two = { ...right.headers, "webhook-signature": `v1,AAAA ${String(right.headers["webhook-signature"])}` };
    expect(refusal("gitlab", { ...right, headers: two }, SIGNING_TOKEN)).toBeUndefined();
  });

  test("a signing token of GitLab is not taken as its plain header, which would tell it to who listens", () => {
    const headers = { "x-gitlab-token": SIGNING_TOKEN };
    const delivery = { headers, body: Buffer.from("{}"), pathToken: null, now: NOW };
    expect(refusal("gitlab", delivery, SIGNING_TOKEN)).toContain("there is no signature");
  });

  test("Authorization: alone, Bearer and Basic", () => {
    const basic = `Basic ${Buffer.from(`registry:${SECRET}`).toString("base64")}`;
    for (const authorization of [SECRET, `Bearer ${SECRET}`, `bearer ${SECRET}`, basic]) {
      const delivery = { headers: { authorization }, body: Buffer.alloc(0), pathToken: null, now: NOW };
      expect(refusal("harbor", delivery, SECRET)).toBeUndefined();
      expect(refusal("distribution", delivery, SECRET)).toBeUndefined();
    }
    // It may have been set up with the scheme as part of the secret.
    const literal = { headers: { authorization: "Token x y" }, body: Buffer.alloc(0), pathToken: null, now: NOW };
    expect(refusal("harbor", literal, "Token x y")).toBeUndefined();
  });
});

describe("whatever comes", () => {
  const anyHeaders = fc.dictionary(
    fc.constantFrom(
      "authorization",
      "content-encoding",
      "content-type",
      "x-github-event",
      "x-github-delivery",
      "x-hub-signature-256",
      "x-gitlab-token",
      "x-gitea-event",
      "x-gitea-signature",
      "x-forgejo-event",
      "webhook-id",
      "webhook-signature",
      "webhook-timestamp",
    ),
    fc.oneof(fc.string(), fc.constantFrom("push", "create", "package", "constructor", "__proto__")),
  );

  test.each(senders)("%s: any bytes are refused, and nothing is thrown", (sender) => {
    const token = fc.option(fc.string());
    fc.assert(
      fc.property(anyHeaders, fc.uint8Array({ maxLength: 500 }), token, (headers, bytes, pathToken) => {
        const delivery = { headers, body: bytes, pathToken, now: NOW };
        for (const secrets of [[], [""], [SECRET], [SIGNING_TOKEN, SECRET]]) {
          expect(judgeDelivery(sender, delivery, secrets)).toMatchObject({ verdict: "refused" });
        }
      }),
    );
  });

  const samples: Array<[string, string]> = [
    ["docker-hub", "docker-hub"],
    ["quay", "quay-push"],
    ["github", "github-push-tag"],
    ["github", "github-create-tag"],
    ["github", "ghcr-registry-package"],
    ["gitea", "gitea-push-tag"],
    ["gitea", "gitea-package"],
    ["distribution", "distribution-many"],
    ["harbor", "harbor-push"],
    ["harbor", "harbor-cloud-event"],
    ["gitlab with a token", "gitlab-tag-push"],
  ];

  test.each(samples)("%s: %s with anything in the place of one of its values throws nothing", (name, file) => {
    const { sender } = proofs.find((one) => one.name === name)!;
    const { headers, body } = sample(file);
    const places = placesOf(JSON.parse(body.toString()));
    fc.assert(
      fc.property(fc.nat(), fc.oneof(fc.jsonValue(), fc.string()), (place, value) => {
        const json = JSON.parse(body.toString()) as object;
        set(json, places[place % places.length]!, value);
        const delivery = proven(name, SECRET, { headers, body: Buffer.from(JSON.stringify(json)) });
        const judgement = judgeDelivery(sender, delivery, [SECRET]);
        for (const hint of judgement.hints) {
          expect(JSON.stringify(hint).length).toBeLessThan(10_000);
          if (hint.kind === "image") expect(`${hint.registry}/${hint.repository}`).toMatch(/^[^\s@]+$/);
          else expect(hint.repositoryUrls.every((url) => /^[^-\s]\S+$/.test(url))).toBe(true);
        }
      }),
    );
  });

  test("deep nesting is read, or refused, in little time", () => {
    const deep = Buffer.from(`{"a":${"[".repeat(1_000_000)}${"]".repeat(1_000_000)}}`);
    const delivery = proven("quay", SECRET, body(deep));
    expect(judgeDelivery("quay", delivery, [SECRET])).toMatchObject({ verdict: "refused" });
  });
});

/** The path of each value in JSON. */
function placesOf(json: unknown, path: string[] = []): string[][] {
  if (typeof json !== "object" || json === null) return [path];
  const inner = Object.entries(json).flatMap(([key, value]) => placesOf(value, [...path, key]));
  return path.length === 0 ? inner : [path, ...inner];
}

function set(json: object, path: readonly string[], value: unknown): void {
  const last = path.at(-1)!;
  const parent = path.slice(0, -1).reduce<object>((at, key) => (at as Record<string, object>)[key]!, json);
  (parent as Record<string, unknown>)[last] = value;
}
