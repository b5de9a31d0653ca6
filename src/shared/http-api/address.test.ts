import fc from "fast-check";
import { expect, test } from "vitest";
import { fault } from "../../../test/support/fault.ts";
import { callAddress } from "./address.ts";
import type { ApiCall } from "./api-call.ts";

const base = new URL("http://127.0.0.1:8500/consul");
const call: ApiCall = { operation: "read", subject: "it", method: "GET", path: ["v1"] };
const part = fc.string({ unit: "grapheme", minLength: 1 }).filter((text) => text !== "." && text !== "..");

test("whatever the parts are, they are what the server reads", () => {
  fc.assert(
    fc.property(fc.array(part, { minLength: 1 }), fc.boolean(), (path, trailingSlash) => {
      const { pathname, search, origin } = callAddress(base, { ...call, path, trailingSlash }, {});
      expect({ search, origin }).toEqual({ search: "", origin: base.origin });
      const read = pathname.split("/").map(decodeURIComponent);
      expect(read).toEqual(["", "consul", ...path, ...(trailingSlash ? [""] : [])]);
    }),
  );
});

test("whatever the query says, it is what the server reads", () => {
  const name = fc.stringMatching(/^[a-z-]{1,8}$/);
  fc.assert(
    fc.property(fc.dictionary(name, fc.string({ unit: "grapheme" })), (query) => {
      const { searchParams, pathname, hash } = callAddress(base, { ...call, query }, {});
      expect(Object.fromEntries(searchParams)).toEqual({ ...query });
      expect({ pathname, hash }).toEqual({ pathname: "/consul/v1", hash: "" });
    }),
  );
});

test("what would be taken away on the way is refused, wherever it stands", () => {
  const evil = fc.constantFrom("", ".", "..", "\udc00", "a\ud800");
  fc.assert(
    fc.property(fc.array(part), evil, fc.array(part), (before, bad, after) => {
      expect(fault(() => callAddress(base, { ...call, path: [...before, bad, ...after] }, {})).code).toBe("USAGE");
    }),
  );
});
