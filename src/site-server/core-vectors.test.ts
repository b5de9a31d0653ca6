import { describe, expect, test } from "vitest";
import { AnswerCore } from "./test-support/answer-core.ts";
import { BUILDER, MemoryHost, WAYS } from "./test-support/memory-host.ts";
import { judge, readWireAnswer, requestOf, vectors, vectorSite } from "./test-support/vectors.ts";

const site = vectorSite();
const core = await AnswerCore.create();

describe.each(Object.entries(WAYS))("%s", (way, write) => {
  const host = new MemoryHost(core, write(site));

  const passed = vectors().filter(({ rules }) => rules !== true || way === BUILDER);

  test.each(passed.map((vector) => [vector.name, vector] as const))("%s", (_name, vector) => {
    const before = vector.before === undefined ? undefined : readWireAnswer(host.exchange(vector.before), false);
    const request = requestOf(vector, before);
    const answer = readWireAnswer(host.exchange(request), request.startsWith("HEAD"));
    expect(judge(vector, answer, site)).toEqual([]);
    expect(answer.rest).toHaveLength(0);
  });
});
