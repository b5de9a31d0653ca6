import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { declaredArguments, labelStages, needsBuildKit, readInstructions } from "./read-dockerfile.ts";

const lines = (...all: string[]): string => all.join("\n");

describe("a Dockerfile's instructions", () => {
  it("are read with comments, continued lines, other escapes and here-documents", () => {
    const text = lines(
      "# syntax=docker/dockerfile:1",
      "from a AS build",
      "ARG ONE=1 TWO",
      "RUN apk add \\",
      "# a comment between",
      "",
      "    git \\   ",
      "    curl",
      "RUN <<EOF",
      "FROM this is no instruction",
      "EOF",
      "FROM scratch\r",
      'COPY --from=build ["a b", "/"]',
    );
    expect(readInstructions(text).map(({ name, end }) => [name, end])).toEqual([
      ["FROM", 2],
      ["ARG", 3],
      ["RUN", 8],
      ["RUN", 11],
      ["FROM", 12],
      ["COPY", 13],
    ]);
    expect(readInstructions(text)[2]?.rest).toBe("apk add     git     curl");
    expect([...declaredArguments(readInstructions(text))]).toEqual(["ONE", "TWO"]);
    expect(readInstructions("# escape=`\nRUN dir c:\\\nRUN a `\n b").map(({ rest }) => rest)).toEqual([
      "dir c:\\",
      "a  b",
    ]);
  });

  it("tell whether BuildKit is needed", () => {
    const needs = (text: string): boolean => needsBuildKit(readInstructions(`FROM a\n${text}`));
    expect(needs("RUN --mount=type=secret,id=x cat /run/secrets/x")).toBe(true);
    expect(needs("COPY --link a b")).toBe(true);
    expect(needs("COPY --from=a --chmod=644 a b")).toBe(true);
    expect(needs("RUN cat <<EOF > x\nhi\nEOF")).toBe(true);
    expect(needs("RUN echo --mount=x; echo 1 << 2")).toBe(false);
    expect(needs("COPY --from=build /a /b")).toBe(false);
  });

  it("get labels on every stage, and nothing else changes", () => {
    const text = lines("ARG V", "FROM a:$V \\", "  AS build", "RUN x", "FROM scratch", "COPY --from=build /x /x", "");
    expect(labelStages(text, { "steppe.app": "blog", "steppe.data": "0f" })).toBe(
      lines(
        "ARG V",
        "FROM a:$V \\",
        "  AS build",
        "LABEL steppe.app=blog steppe.data=0f",
        "RUN x",
        "FROM scratch",
        "LABEL steppe.app=blog steppe.data=0f",
        "COPY --from=build /x /x",
        "",
      ),
    );
    const line = fc.constantFrom("FROM a", "RUN x \\", "  y", "# c", "", "COPY . .", "RUN <<E", "E", "\tFROM b AS c");
    fc.assert(
      fc.property(fc.array(line), (some) => {
        const labelled = labelStages(some.join("\n"), { l: "1" }).split("\n");
        expect(labelled.filter((one) => one !== "LABEL l=1")).toEqual(some.length === 0 ? [""] : some);
        const stages = readInstructions(some.join("\n")).filter(({ name }) => name === "FROM");
        expect(labelled.filter((one) => one === "LABEL l=1")).toHaveLength(stages.length);
      }),
    );
  });
});
