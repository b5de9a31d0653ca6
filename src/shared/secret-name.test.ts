import { expect, test } from "vitest";
import { isSecretName } from "./secret-name.ts";

test.each([
  "password",
  "DB_PASSWORD",
  "Authorization",
  "X-Auth-Token",
  "sshkey",
  "AWS_SECRET_ACCESS_KEY",
  "apiKey",
  "--api-key",
])("%s is a secret", (name) => {
  expect(isSecretName(name)).toBe(true);
});

test.each(["username", "author", "DB_PASSWORD_FILE", "key", "server_address", "image", ""])("%s is none", (name) => {
  expect(isSecretName(name)).toBe(false);
});
