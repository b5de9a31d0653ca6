import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { chooseForm, type FormName } from "./accept-encoding.ts";

const all: Record<FormName, number> = { identity: 1000, br: 200, zstd: 250, gzip: 300 };
const choose = (header: string | undefined, sizes: Partial<Record<FormName, number>> = all): FormName =>
  chooseForm(header, (form) => sizes[form]);

describe("choice of the form", () => {
  test.each<[string | undefined, FormName]>([
    [undefined, "identity"],
    ["", "identity"],
    ["gzip, deflate, br, zstd", "br"],
    ["gzip, deflate", "gzip"],
    ["x-gzip", "gzip"],
    ["deflate", "identity"],
    ["*", "br"],
    ["br;q=0, *", "zstd"],
    ["br;q=0.5, gzip;q=0.8", "gzip"],
    ["gzip;q=0", "identity"],
    ["gzip;q=0.001", "gzip"],
    ["identity;q=1, br;q=0.9", "identity"],
    ["identity;q=0.5, br;q=0.5", "br"],
    ["identity;q=0", "identity"],
    ["*;q=0", "identity"],
    ["*;q=0, gzip", "gzip"],
    ["BR", "br"],
    ["br ; q=0", "identity"],
    ["br;Q=0", "identity"],
    ["br;q=2", "identity"],
    ["br;q=x, gzip", "gzip"],
    ["br;level=5", "br"],
    [",,;q=1,", "identity"],
  ])("%s: %s", (header, form) => {
    expect(choose(header)).toBe(form);
  });

  test("a form that the file has not is not chosen", () => {
    expect(choose("br, gzip", { identity: 10, gzip: 9 })).toBe("gzip");
    expect(choose("br", { identity: 10 })).toBe("identity");
  });

  test("whatever is sent, the form is there, and it was not refused unless all were", () => {
    const part = fc.tuple(
      fc.constantFrom("br", "zstd", "gzip", "identity", "*", "x"),
      fc.constantFrom("", ";q=0", ";q=0.5", ";q=1"),
    );
    fc.assert(
      fc.property(fc.uniqueArray(part, { selector: ([name]) => name }), (parts) => {
        const form = choose(parts.map(([name, quality]) => name + quality).join(","));
        expect(all[form]).toBeDefined();
        const named = parts.find(([name]) => name === form);
        if (form !== "identity") expect(named ?? parts.find(([name]) => name === "*")).not.toContain(";q=0");
      }),
    );
    fc.assert(fc.property(fc.string(), (header) => choose(header) in all));
  });
});
