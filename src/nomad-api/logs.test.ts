import { describe, expect, test } from "vitest";
import { replay } from "../../test/support/replay.ts";
import { fakeNomad, testNomad } from "./fakes.ts";
import type { LogFrame } from "./log-frame.ts";

const source = { allocation: "93396355-3d17-62bd-c596-c16428bc1e91", task: "httpd", type: "stdout" } as const;

const frame = (text: string, offset: number): string =>
  JSON.stringify({ Offset: offset, Data: btoa(text), File: "alloc/logs/httpd.stdout.0" });

async function all(frames: AsyncIterable<LogFrame>): Promise<Array<[string, number, string | undefined]>> {
  const found: Array<[string, number, string | undefined]> = [];
  for await (const { data, offset, fileEvent } of frames) found.push([data.toString(), offset, fileEvent]);
  return found;
}

describe("what a task wrote", () => {
  test("as it was recorded: nothing, and a line", async () => {
    await using server = await replay("nomad", ["45-client-fs-logs-plain", "184-client-fs-logs-raw-exec"]);
    await using client = testNomad({ NOMAD_ADDR: server.address });
    const { logs } = client.nomad;
    expect((await logs.read({ ...source, type: "stderr" })).length).toBe(0);
    const allocation = "8dd4174c-f987-5022-3a2d-15c177a07cb8";
    expect((await logs.read({ allocation, task: "t", type: "stdout" })).toString()).toBe(
      `hello from raw_exec ${allocation}\n`,
    );
  });

  test("no more than the last bytes of it, though more should come", async () => {
    await using fake = await fakeNomad((_, response) => response.end("0123456789"));
    expect((await fake.nomad.logs.read(source, { lastBytes: 4 })).toString()).toBe("6789");
    expect(fake.seen[0]?.target).toBe(
      `/v1/client/fs/logs/${source.allocation}?task=httpd&type=stdout&plain=true&origin=end&offset=4`,
    );
  });

  test("of a task or an allocation that there is none of", async () => {
    await using fake = await fakeNomad((_, response) => response.writeHead(404).end('unknown task name "httpd"'));
    await expect(fake.nomad.logs.read(source)).rejects.toMatchObject({
      code: "NOMAD_NOT_FOUND",
      operation: "read stdout of the task",
      subject: `httpd in ${source.allocation}`,
    });
    await expect(all(fake.nomad.logs.follow(source))).rejects.toMatchObject({ code: "NOMAD_NOT_FOUND" });
  });
});

describe("what a task writes", () => {
  test("comes in frames, which are cut anywhere and not told apart by lines", async () => {
    await using fake = await fakeNomad((_, response) => {
      const text = `${frame("one\n", 4)}{}${frame("two\n", 8)}{"FileEvent":"file truncated","File":"alloc/logs/httpd.stdout.0"}`;
      response.write(text.slice(0, 33), () => response.end(text.slice(33)));
    });
    expect(await all(fake.nomad.logs.follow(source, { lastBytes: 100 }))).toEqual([
      ["one\n", 4, undefined],
      ["two\n", 8, undefined],
      ["", 0, "file truncated"],
    ]);
    expect(fake.seen[0]?.target).toMatch(/\?task=httpd&type=stdout&follow=true&origin=end&offset=100$/);
  });

  test("and what is wrong is told: a connection that is cut, a server that fails, nonsense", async () => {
    const answers = [
      ["cut", "NOMAD_UNREACHABLE", "broke off"],
      ["failed to stream: session shutdown", "NOMAD_UNREACHABLE", "session shutdown"],
      ['{"Data":"§"}', "NOMAD_ANSWER_INVALID", "Data is a text, not a text in base64"],
      [`{"Data":"${"x".repeat(1100 * 1024)}"}`, "NOMAD_ANSWER_INVALID", "an object is longer than"],
    ] as const;
    for (const [body, code, reason] of answers) {
      await using fake = await fakeNomad((_, response) => {
        response.write(frame("one\n", 4), () => (body === "cut" ? response.destroy() : response.end(body)));
      });
      const frames = fake.nomad.logs.follow(source);
      expect((await frames.next()).value?.data.toString()).toBe("one\n");
      await expect(frames.next()).rejects.toMatchObject({ code, reason: expect.stringContaining(reason) });
    }
  });

  test("a silence in which no heartbeat comes is an end", async () => {
    await using fake = await fakeNomad((_, response) => {
      response.write(frame("one\n", 4), () => {
        const pass = (): void => {
          fake.clock.pass(5000);
          if (!response.destroyed) setImmediate(pass);
        };
        pass();
      });
    });
    const frames = fake.nomad.logs.follow(source);
    await frames.next();
    await expect(frames.next()).rejects.toMatchObject({
      code: "NOMAD_UNREACHABLE",
      reason: expect.stringContaining("nothing came for 30 s"),
    });
  });
});
