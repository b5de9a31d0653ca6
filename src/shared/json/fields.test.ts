import { describe, expect, test } from "vitest";
import { Fields } from "./fields.ts";
import { parseJson } from "./parse-json.ts";

function fields(text: string): Fields {
  return Fields.of(parseJson(text));
}

test("fields are what their readers say", () => {
  const read = fields(
    '{"Name":"a","Port":80,"OpIndex":3,"Flags":7,"ModifyIndex":18446744073709551615,"Ratio":0.5,"On":true,"Tags":["x"],"Meta":{"k":"v"},' +
      '"Node":{"Name":"n"},"Checks":[{"Name":"c"}],"ByName":{"s":{"Name":"d"}},"Nothing":null}',
  );
  expect([read.text("Name"), read.count("Port"), read.count("OpIndex"), read.amount("Ratio")]).toEqual([
    "a",
    80,
    3,
    0.5,
  ]);
  expect([read.index("Flags"), read.index("ModifyIndex")]).toEqual([7n, 2n ** 64n - 1n]);
  expect([read.flag("On"), read.texts("Tags"), read.record("Meta")]).toEqual([true, ["x"], { k: "v" }]);
  expect(read.object("Node").text("Name")).toBe("n");
  expect(read.objects("Checks").map((check) => check.text("Name"))).toEqual(["c"]);
  expect(read.entries("ByName").map(([key, value]) => [key, value.text("Name")])).toEqual([["s", "d"]]);
  expect([read.has("Nothing"), read.has("None"), read.has("On")]).toEqual([false, false, true]);
  expect(read.names()).toContain("ByName");
});

test("what Go leaves out, or writes as null, is nothing or empty", () => {
  const read = fields('{"A":null}');
  expect([read.optionalText("A"), read.optionalCount("B"), read.optionalIndex("A"), read.optionalObject("B")]).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  expect([
    read.texts("A"),
    read.texts("B"),
    read.objects("A"),
    read.entries("A"),
    read.record("B"),
    read.flag("A"),
  ]).toEqual([[], [], [], [], {}, false]);
  expect(Fields.list(null)).toEqual([]);
});

describe("what is something else is named, and not shown", () => {
  test.for([
    [
      '{"Service":{"Port":"80"}}',
      (read: Fields) => read.object("Service").count("Port"),
      "Service.Port is a text, not a whole number of at most 53 bits",
    ],
    ["{}", (read: Fields) => read.text("Name"), "Name is missing, not a text"],
    ['{"Tags":[1]}', (read: Fields) => read.texts("Tags"), "Tags[0] is a number, not a text"],
    ['{"Checks":{}}', (read: Fields) => read.objects("Checks"), "Checks is an object, not a list"],
    ['{"Checks":[null]}', (read: Fields) => read.objects("Checks"), "Checks[0] is null, not an object"],
    ['{"Meta":{"a":true}}', (read: Fields) => read.record("Meta"), "Meta.a is true or false, not a text"],
    [
      '{"CreateIndex":-1}',
      (read: Fields) => read.index("CreateIndex"),
      "CreateIndex is a number, not a whole number from 0",
    ],
    ['{"On":"yes"}', (read: Fields) => read.flag("On"), "On is a text, not true or false"],
    ['{"N":[]}', (read: Fields) => read.amount("N"), "N is a list, not a number"],
    [
      '{"N":9007199254740993}',
      (read: Fields) => read.count("N"),
      "N is a number, not a whole number of at most 53 bits",
    ],
  ] as const)("%s", ([text, read, message]) => {
    expect(() => read(fields(text))).toThrow(message);
  });

  test("the whole, too", () => {
    expect(() => Fields.of([])).toThrow("it is a list, not an object");
    expect(() => Fields.list("secret")).toThrow("it is a text, not a list");
    expect(() => Fields.list(undefined)).toThrow("it is missing, not a list");
    expect(() => Fields.of({}).object("constructor")).toThrow("constructor is missing");
  });
});
