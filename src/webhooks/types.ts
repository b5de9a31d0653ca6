/** Who may send. */
export const senders = ["docker-hub", "github", "distribution", "gitlab", "harbor", "quay", "gitea"] as const;

/** `github` is git and GHCR, `gitlab` git and its container registry, `gitea` also Forgejo. */
export type Sender = (typeof senders)[number];

/** An image may have been pushed. What its tag points to is for the registry to say. */
export interface ImageHint {
  kind: "image";
  /** Host, and port if it has one, in lower case: `docker.io`, `registry.example.com:5000`. */
  registry: string;
  /** `library/nginx`. */
  repository: string;
  /** Null if the sender does not tell: any tag of the repository may have changed. */
  tag: string | null;
  /** What the sender says it is, `sha256:…`; null if it does not, or if that is no digest. */
  digest: string | null;
  /** The sender's id of the event; null if it gives none that is unique. */
  eventId: string | null;
  /** When it happened, by the sender's clock, in milliseconds since 1970; null if that is not told. */
  at: number | null;
}

/** A ref of a git repository may have changed. What it points to is for the repository to say. */
export interface RefHint {
  kind: "ref";
  /** Each address by which the sender knows the repository; at least one. */
  repositoryUrls: readonly string[];
  /** `refs/tags/v1`, `refs/heads/main`. */
  ref: string;
  /** The commit, in hexadecimal; null if it is not told. */
  commit: string | null;
  eventId: string | null;
  at: number | null;
}

/** What a delivery says. Nothing is done but ask whether it is so. */
export type Hint = ImageHint | RefHint;

/** Header fields with names in lower case, as node:http has them. */
export type HeaderFields = Readonly<Record<string, string | string[] | undefined>>;

/** A request of a sender. */
export interface Delivery {
  headers: HeaderFields;
  body: Uint8Array;
  /** The last part of the path, if it has one. */
  pathToken: string | null;
  /** Milliseconds since 1970. */
  now: number;
}

/** What comes of a delivery. `reason` is one line for people, without secrets. */
export type Judgement =
  | { verdict: "accepted"; hints: readonly Hint[]; reason: null }
  | { verdict: "ignored"; hints: readonly []; reason: string }
  | Refusal;

export interface Refusal {
  verdict: "refused";
  hints: readonly [];
  reason: string;
  code: RefusalCode;
}

export type RefusalCode = "WEBHOOK_UNVERIFIED" | "DELIVERY_MALFORMED" | "BODY_TOO_LARGE" | "BODY_TIMEOUT";

/** A webhook that was set up. */
export interface Webhook {
  /** The part of the path: `/hooks/NAME`. */
  name: string;
  sender: Sender;
  /** Any of them proves the sender: while one is replaced there are two. With none, everything is refused. */
  secrets: readonly string[];
}

/** Finds webhooks by name. */
export interface WebhookDirectory {
  find(name: string): Webhook | undefined;
}

/** Whether a name, as the store has it, is of a sender that this version knows. */
export function isSender(name: string): name is Sender {
  return (senders as readonly string[]).includes(name);
}
