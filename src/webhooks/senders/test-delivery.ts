import { createHmac, randomUUID } from "node:crypto";
import { signingKeyOf, STANDARD_PREFIX } from "../signing-token.ts";
import type { Sender } from "../types.ts";

/** A delivery as a sender would make it. */
export interface TestDelivery {
  headers: Record<string, string>;
  body: Buffer;
  /** The last part of the path, of senders that sign nothing. */
  pathToken: string | null;
}

/** No app has these, so nothing is deployed. */
const REPOSITORY = "steppe/webhook-test";
const TAG = "webhook-test";
const DIGEST = `sha256:${"0".repeat(64)}`;

/** A push of a tag, proven by the secret, of a repository that no app has. Each is another event. */
export function makeTestDelivery(sender: Sender, secret: string, now: number): TestDelivery {
  const id = randomUUID();
  const { headers, json } = contents[sender](id, now);
  const body = Buffer.from(JSON.stringify(json));
  return {
    headers: {
      "content-type": "application/json",
      ...headers,
      ...(secret.startsWith(STANDARD_PREFIX)
        ? standard(id, secret, body, now)
        : (proofs[sender]?.(secret, body) ?? {})),
    },
    body,
    pathToken: sender === "docker-hub" || sender === "quay" ? secret : null,
  };
}

interface Content {
  headers?: Record<string, string>;
  json: object;
}

const contents: Readonly<Record<Sender, (id: string, now: number) => Content>> = {
  "docker-hub": (_id, now) => ({
    json: { push_data: { tag: TAG, pushed_at: Math.floor(now / 1000) }, repository: { repo_name: REPOSITORY } },
  }),
  github: (id) => ({
    headers: { "x-github-event": "create", "x-github-delivery": id },
    json: {
      ref: TAG,
      ref_type: "tag",
      repository: { clone_url: `https://github.com/${REPOSITORY}.git` },
    },
  }),
  distribution: (id, now) => ({
    headers: { "content-type": "application/vnd.docker.distribution.events.v2+json" },
    json: {
      events: [
        {
          id,
          timestamp: new Date(now).toISOString(),
          action: "push",
          target: { digest: DIGEST, repository: REPOSITORY, tag: TAG },
          request: { host: "registry.example.com" },
        },
      ],
    },
  }),
  gitlab: (id) => ({
    headers: { "x-gitlab-event": "Tag Push Hook", "idempotency-key": id },
    json: {
      object_kind: "tag_push",
      ref: `refs/tags/${TAG}`,
      project: { git_http_url: `https://gitlab.example.com/${REPOSITORY}.git` },
    },
  }),
  harbor: (_id, now) => ({
    json: {
      type: "PUSH_ARTIFACT",
      occur_at: Math.floor(now / 1000),
      event_data: {
        resources: [{ digest: DIGEST, tag: TAG, resource_url: `harbor.example.com/${REPOSITORY}:${TAG}` }],
        repository: { repo_full_name: REPOSITORY },
      },
    },
  }),
  quay: () => ({ json: { docker_url: `quay.io/${REPOSITORY}`, updated_tags: [TAG] } }),
  gitea: (id) => ({
    headers: { "x-gitea-event": "create", "x-gitea-delivery": id },
    json: {
      ref: TAG,
      ref_type: "tag",
      repository: { clone_url: `https://git.example.com/${REPOSITORY}.git` },
    },
  }),
};

/** Of senders that prove themselves by a header. */
const proofs: Readonly<Partial<Record<Sender, (secret: string, body: Buffer) => Record<string, string>>>> = {
  github: (secret, body) => ({ "x-hub-signature-256": `sha256=${hexSignature(secret, body)}` }),
  gitea: (secret, body) => ({ "x-gitea-signature": hexSignature(secret, body) }),
  distribution: (secret) => ({ authorization: `Bearer ${secret}` }),
  harbor: (secret) => ({ authorization: `Bearer ${secret}` }),
  gitlab: (secret) => ({ "x-gitlab-token": secret }),
};

function hexSignature(secret: string, body: Buffer): string {
  return createHmac("sha256", secret).update(body).digest("hex");
}

/** https://www.standardwebhooks.com */
function standard(id: string, secret: string, body: Buffer, now: number): Record<string, string> {
  const timestamp = String(Math.floor(now / 1000));
  const key = signingKeyOf(secret);
  const signature = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest("base64");
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": `v1,${signature}` };
}
