import { expect, test } from "vitest";
import { withoutWebhookToken } from "./without-webhook-token.ts";

test.each([
  ["/hooks/hub/secret", "/hooks/hub/***"],
  ["//hooks//hub/secret/more", "//hooks//hub/***"],
  ["/x/../Hooks/hub/secret", "/x/../Hooks/hub/***"],
  ["/hooks/hub", "/hooks/hub"],
  ["/hooks/", "/hooks/"],
  ["/v1/webhooks/hub", "/v1/webhooks/hub"],
  ["/v1/apps", "/v1/apps"],
])("%s is %s in a log", (path, shown) => {
  expect(withoutWebhookToken(path)).toBe(shown);
});
