import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Delivery, HeaderFields, Sender } from "../types.ts";

/** What senders send, written after their documents. */
export interface Sample {
  headers: Record<string, string>;
  body: Buffer;
}

export const NOW = Date.UTC(2026, 10, 20, 10);
export const SECRET = "a-secret-of-a-webhook-0123456789";

/** A signing token as GitLab makes them. */
export const SIGNING_TOKEN = `whsec_${Buffer.from("0123456789abcdef0123456789abcdef").toString("base64")}`;

export function sample(name: string): Sample {
  const text = readFileSync(new URL(`samples/${name}.json`, import.meta.url), "utf8");
  const { headers, body } = JSON.parse(text) as { headers: Record<string, string>; body: unknown };
  return { headers, body: Buffer.from(JSON.stringify(body)) };
}

/** How each sender proves itself with a secret; GitLab by both ways. */
export const proofs: ReadonlyArray<{
  name: string;
  sender: Sender;
  secret: string;
  prove(secret: string, body: Uint8Array): { headers: HeaderFields; pathToken: string | null };
}> = [
  { name: "docker-hub", sender: "docker-hub", secret: SECRET, prove: byPath },
  { name: "quay", sender: "quay", secret: SECRET, prove: byPath },
  { name: "github", sender: "github", secret: SECRET, prove: byHex("x-hub-signature-256", "sha256=") },
  { name: "gitea", sender: "gitea", secret: SECRET, prove: byHex("x-gitea-signature", "") },
  { name: "forgejo", sender: "gitea", secret: SECRET, prove: byHex("x-forgejo-signature", "") },
  { name: "distribution", sender: "distribution", secret: SECRET, prove: byHeader("authorization", "Bearer ") },
  { name: "harbor", sender: "harbor", secret: SECRET, prove: byHeader("authorization", "") },
  { name: "gitlab with a token", sender: "gitlab", secret: SECRET, prove: byHeader("x-gitlab-token", "") },
  { name: "gitlab's registry", sender: "gitlab", secret: SECRET, prove: byHeader("authorization", "Bearer ") },
  { name: "gitlab that signs", sender: "gitlab", secret: SIGNING_TOKEN, prove: byStandard },
];

/** A delivery that a secret proves. */
export function proven(name: string, secret: string, { headers, body }: Sample): Delivery {
  const proof = proofs.find((one) => one.name === name);
  if (proof === undefined) throw new Error(`nobody is called ${name}`);
  const { headers: more, pathToken } = proof.prove(secret, body);
  return { headers: { ...headers, ...more }, body, pathToken, now: NOW };
}

function byPath(secret: string): { headers: HeaderFields; pathToken: string } {
  return { headers: {}, pathToken: secret };
}

function byHex(name: string, prefix: string) {
  return (secret: string, body: Uint8Array) => ({
    headers: { [name]: prefix + createHmac("sha256", secret).update(body).digest("hex") },
    pathToken: null,
  });
}

function byHeader(name: string, prefix: string) {
  return (secret: string) => ({ headers: { [name]: prefix + secret }, pathToken: null });
}

function byStandard(secret: string, body: Uint8Array): { headers: HeaderFields; pathToken: null } {
  const [id, timestamp] = ["msg_1", String(NOW / 1000)];
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  const signature = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest("base64");
  const headers = { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": `v1,${signature}` };
  return { headers, pathToken: null };
}
