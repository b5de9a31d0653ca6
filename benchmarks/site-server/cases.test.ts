import { expect, test } from "vitest";
import { cases, requestBytes } from "./cases.ts";

test("a browser's request has 500 bytes", () => {
  const browser = cases.find(({ name }) => name === "browser");
  expect(browser && requestBytes(browser, "127.0.0.1:12345")).toBe(500);
});
