import { STANDARD_PREFIX } from "./signing-token.ts";
import type { Sender } from "./types.ts";

/** What to type in where at the sender. */
export interface SenderSetup {
  /** Where its settings are. */
  where: string;
  /** The fields of the form there, and what to give. */
  fields: Array<{ name: string; value: string }>;
  /** What to add to a configuration file, if it is one. */
  block: string | null;
  /** What else is good to know. */
  notes: string[];
}

interface SetUpWebhook {
  name: string;
  /** The whole address, with the secret of senders that have it there. */
  url: string;
  secret: string;
}

/** How a sender is told of the webhook: what each names its fields, as of November 2026. */
export function setupOf(sender: Sender, webhook: SetUpWebhook): SenderSetup {
  return setups[sender](webhook);
}

const POLLED = "Nothing is sent again that failed; what was missed is found by polling.";

const setups: Readonly<Record<Sender, (webhook: SetUpWebhook) => SenderSetup>> = {
  "docker-hub": ({ name, url }) => ({
    where: "Docker Hub: the repository, Webhooks",
    fields: fields({ "Webhook name": `steppe-${name}`, "Webhook URL": url }),
    block: null,
    notes: ["The address has the secret in it: Docker Hub signs nothing.", POLLED],
  }),
  github: ({ url, secret }) => ({
    where: "GitHub: the repository or the organization, Settings, Webhooks, Add webhook",
    fields: fields({
      "Payload URL": url,
      "Content type": "application/json",
      Secret: secret,
      "SSL verification": "Enable",
      Events:
        "Let me select individual events: Branch or tag creation, Pushes; for images on GHCR also Packages, Registry packages",
    }),
    block: null,
    notes: ["When more than three tags are pushed at once, GitHub sends nothing.", POLLED],
  }),
  distribution: ({ name, url, secret }) => ({
    where: "CNCF Distribution: the registry's config.yml",
    fields: [],
    block: [
      "notifications:",
      "  endpoints:",
      `    - name: steppe-${name}`,
      `      url: ${url}`,
      "      headers:",
      `        Authorization: [Bearer ${secret}]`,
      "      timeout: 5s",
      "      threshold: 5",
      "      backoff: 5s",
      "      ignoredmediatypes:",
      "        - application/octet-stream",
    ].join("\n"),
    notes: [
      "Restart the registry. It names itself by the host that images were pushed to: name that in an app's `image`, too.",
      "What is not answered is sent again until it is, in order.",
    ],
  }),
  gitlab: ({ name, url, secret }) => ({
    where: "GitLab: the project, Settings, Webhooks, Add new webhook",
    fields: fields({
      URL: url,
      [secret.startsWith(STANDARD_PREFIX) ? "Signing token" : "Secret token"]: secret,
      Trigger: "Tag push events; also Push events for apps with branches",
      "SSL verification": "Enable",
    }),
    block: [
      "# GitLab's container registry, in /etc/gitlab/gitlab.rb:",
      "registry['notifications'] = [",
      "  {",
      `    'name' => 'steppe-${name}',`,
      `    'url' => '${url}',`,
      "    'timeout' => '5s',",
      "    'threshold' => 5,",
      "    'backoff' => '5s',",
      `    'headers' => { 'Authorization' => ['Bearer ${secret}'] }`,
      "  }",
      "]",
    ].join("\n"),
    notes: [
      ...(secret.startsWith(STANDARD_PREFIX)
        ? ["A signing token is for the project's webhook alone: add another webhook for the registry."]
        : []),
      "When more than three tags are pushed at once, GitLab sends nothing, unless `push_event_hooks_limit` is higher.",
      "Images on gitlab.com's registry send nothing: they are found by polling.",
      "GitLab turns a webhook off that fails again and again; its page says so.",
    ],
  }),
  harbor: ({ name, url, secret }) => ({
    where: "Harbor: the project, Webhooks, New webhook",
    fields: fields({
      Name: `steppe-${name}`,
      "Notify Type": "http",
      "Payload Format": "Default (CloudEvents is understood, too)",
      "Event Type": "Artifact pushed",
      "Endpoint URL": url,
      "Auth Header": `Bearer ${secret}`,
      "Verify Remote Certificate": "on",
    }),
    block: null,
    notes: ["Harbor tries again as its job service is configured to: by default three times."],
  }),
  quay: ({ name, url }) => ({
    where: "Quay: the repository, Settings, Events and Notifications, Create Notification",
    fields: fields({
      "When this event occurs": "Push to Repository",
      "Then issue a notification": "Webhook POST",
      "Webhook URL": url,
      Title: `steppe-${name}`,
    }),
    block: null,
    notes: ["The address has the secret in it: Quay signs nothing that can be checked without its keys."],
  }),
  gitea: ({ url, secret }) => ({
    where: "Gitea or Forgejo: the repository or the organization, Settings, Webhooks, Add webhook, Gitea or Forgejo",
    fields: fields({
      "Target URL": url,
      "HTTP method": "POST",
      "POST content type": "application/json",
      Secret: secret,
      "Trigger on": "Custom events: Create, Push; for images also Package",
    }),
    block: null,
    notes: [
      "Its server refuses private addresses unless `[webhook] ALLOWED_HOST_LIST` of its app.ini allows them.",
      POLLED,
    ],
  }),
};

function fields(values: Record<string, string>): SenderSetup["fields"] {
  return Object.entries(values).map(([name, value]) => ({ name, value }));
}
