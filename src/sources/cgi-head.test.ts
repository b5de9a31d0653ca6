import fc from "fast-check";
import { expect, it } from "vitest";
import { CgiHeadReader } from "./cgi-head.ts";

it("reads a head however it is cut", () => {
  const bytes = Buffer.from("Status: 404 Not Found\r\nContent-Type: text/plain\r\n\r\nbody\r\n\r\n");
  fc.assert(
    fc.property(fc.nat({ max: bytes.length - 1 }), (cut) => {
      const reader = new CgiHeadReader();
      const first = reader.feed(bytes.subarray(0, cut));
      const result = first ?? reader.feed(bytes.subarray(cut));
      expect(result?.head).toEqual({ status: 404, headers: { "content-type": "text/plain" } });
      const rest = first === undefined ? "" : bytes.toString("latin1", cut);
      expect((result?.body.toString() ?? "") + rest).toBe("body\r\n\r\n");
    }),
  );
});

it.each(["no header\n\n", "Status: abc\n\n", "Bad Name: x\n\n"])("refuses %j", (head) => {
  expect(() => new CgiHeadReader().feed(Buffer.from(head))).toThrow();
});

it("refuses a head without an end", () => {
  expect(() => new CgiHeadReader().feed(Buffer.alloc(70_000, "a"))).toThrow("has no end");
});
