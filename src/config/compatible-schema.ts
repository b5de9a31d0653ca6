import * as z from "zod";
import { defaults, limits } from "./defaults.ts";
import { formatDuration } from "./duration.ts";
import type { Parsed } from "./parsed.ts";
import { duration, milliseconds, textField } from "./text-field.ts";

const usual = defaults.compatible;
const MOST_KEY_BYTES = 512;
const WEBHOOK_PATTERN = "^(/[A-Za-z0-9._~-]{1,128})+$";

/** An id of Nomad's, and a name of Consul's: what can be part of an address, and be read by people. */
const name = textField((text): Parsed<string> => {
  if (text === "") return { problem: "is empty; leave it out" };
  if (text.length > 128) return { problem: "is longer than 128 characters" };
  return /^[\x21-\x7e]+$/.test(text) ? { value: text } : { problem: "has a space or a control character in it" };
});

const key = textField((text): Parsed<string> => {
  if (text === "") return { problem: "is empty; leave it out" };
  if (Buffer.byteLength(text) > MOST_KEY_BYTES) return { problem: "is longer than 512 bytes" };
  if (/[\s\u0000-\u001f\u007f]/.test(text)) return { problem: "has a space or a control character in it" };
  const parts = text.split("/");
  if (parts.includes("") || parts.includes(".") || parts.includes("..")) {
    return { problem: "has a part that is empty, `.` or `..`; write `configs/team/blog/IMAGE_TAG`" };
  }
  return { value: text };
});

const webhook = textField(
  (text): Parsed<string> => {
    if (text.length > limits.pathBytes || !new RegExp(WEBHOOK_PATTERN).test(text)) {
      return { problem: "is no path such as `/blog`: letters, digits, `.`, `_`, `~` and `-` between slashes" };
    }
    if (text === "/hooks" || text.startsWith("/hooks/")) {
      return { problem: "is below `/hooks`, where webhooks are that prove who sends them" };
    }
    return { value: text };
  },
  { pattern: WEBHOOK_PATTERN },
);

/** `compatible` of `steppe.yaml`. */
export const compatibleSchema = z
  .strictObject({
    job: name.optional().meta({ description: "The job's id; if it is not said, the app's name." }),
    key: key.optional().meta({
      description: "The key in Consul that its template reads; if it is not said, that of the image's repository.",
      examples: ["configs/team/blog/IMAGE_TAG"],
    }),
    service: name
      .optional()
      .meta({ description: "Its service in Consul, if the job's own name for it is not enough." }),
    webhook: webhook.optional().meta({
      description: "The path at which Docker Hub's webhooks are received without a proof of who sent them.",
      examples: ["/blog"],
    }),
    minHealthyTime: duration(limits.minHealthyMs)
      .prefault(formatDuration(usual.minHealthyMs))
      .meta({ description: "How long its checks must pass before an instance counts as healthy." }),
    healthyDeadline: duration(limits.healthyDeadlineMs)
      .prefault(formatDuration(usual.healthyDeadlineMs))
      .meta({ description: "How long its instances may take to restart and become healthy." }),
  })
  .superRefine(({ minHealthyTime, healthyDeadline }, context) => {
    if (healthyDeadline > minHealthyTime) return;
    const message = "is no longer than `minHealthyTime`";
    context.addIssue({ code: "custom", path: ["healthyDeadline"], message });
  });

/** The same of a definition. */
export const definitionCompatible = z
  .strictObject({
    job: name,
    key,
    service: name.nullable(),
    webhook: webhook.nullable(),
    minHealthyMs: milliseconds(limits.minHealthyMs),
    healthyDeadlineMs: milliseconds(limits.healthyDeadlineMs),
  })
  .superRefine(({ minHealthyMs, healthyDeadlineMs }, context) => {
    if (healthyDeadlineMs > minHealthyMs) return;
    context.addIssue({ code: "custom", path: ["healthyDeadlineMs"], message: "is no longer than `minHealthyMs`" });
  });
