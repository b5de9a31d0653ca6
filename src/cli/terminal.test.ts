import { expect, test } from "vitest";
import { FakeWorld } from "./fake-world.ts";
import { Context } from "./context.ts";

test("a terminal obeys nothing in what is printed but our colours; a file gets all as it is", async () => {
  await using world = await FakeWorld.make();
  const evil = "\u001b]0;mine\u0007\u001b[2Jname\u009b31m";
  for (const isTTY of [true, false]) {
    const written: string[] = [];
    const stream = { isTTY, columns: 80, write: async (text: string | Uint8Array) => void written.push(String(text)) };
    const context = new Context({ ...world.io([], []), env: {}, stdout: stream, stderr: stream });
    await context.print(context.style.red(evil));
    await context.note(evil);
    const [printed = "", noted = ""] = written;
    if (isTTY) {
      expect(printed).toBe("\u001b[31m\ufffd]0;mine\ufffd\ufffd[2Jname\ufffd31m\u001b[39m\n");
      expect(noted).toBe("\ufffd]0;mine\ufffd\ufffd[2Jname\ufffd31m\n");
    } else expect(written).toEqual([`${evil}\n`, `${evil}\n`]);
  }
});
