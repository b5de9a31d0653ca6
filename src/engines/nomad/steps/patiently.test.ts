import { expect, test } from "vitest";
import { fault } from "../../../../test/support/fault.ts";
import { FakeClock } from "../../../shared/clock.ts";
import { SteppeError } from "../../../shared/errors.ts";
import { TransportError } from "../../../shared/http/transport-error.ts";
import { patiently } from "./patiently.ts";

const away = (): SteppeError =>
  new SteppeError("CONSUL_UNREACHABLE", { operation: "list", subject: "checks", cause: "127.0.0.1:8500: refused" });

async function patient(step: () => Promise<string>, signal = new AbortController().signal) {
  const clock = new FakeClock();
  const notes: string[] = [];
  const end = patiently(step, { clock, signal, note: (line) => notes.push(line) });
  end.catch(() => {}); // looked at below
  await clock.advance(0); // the first try is over
  return { clock, notes, end };
}

test("a step is taken again while Consul is away, and one line says so", async () => {
  let tries = 0;
  const { clock, notes, end } = await patient(async () => {
    if (++tries < 60) throw away();
    return "done";
  });
  await clock.advance(59_000);
  expect(await end).toBe("done");
  expect(notes).toEqual(["127.0.0.1:8500: refused; waiting for it for up to 2 minutes"]);
});

test("one that is away for longer than two minutes fails the step", async () => {
  const { clock, end } = await patient(() => Promise.reject(away()));
  await clock.advance(200_000);
  await expect(end).rejects.toMatchObject({ code: "CONSUL_UNREACHABLE" });
});

test("one that is away now and then is waited for each time anew", async () => {
  const clock = new FakeClock();
  let tries = 0;
  const { signal } = new AbortController();
  const step = async (): Promise<string> => {
    if (++tries === 5) return "done";
    await clock.sleep(600_000, { signal });
    throw away();
  };
  const end = patiently(step, { clock, signal, note() {} });
  await clock.advance(3_000_000);
  expect(await end).toBe("done");
});

test("a setting that is wrong is not waited for", async () => {
  const cause = new TransportError("its certificate is of a CA that is not known", { mistake: "untrusted" });
  const parts = { operation: "read", subject: "the job", cause: cause.message };
  const error = new SteppeError("NOMAD_UNREACHABLE", parts, { cause });
  const { notes, end } = await patient(() => Promise.reject(error));
  await expect(end).rejects.toBe(error);
  expect(notes).toEqual([]);
});

test("what passes by nobody's waiting fails at once", async () => {
  const error = fault(() => {
    throw new SteppeError("NOMAD_DENIED", { operation: "register", subject: "blog", cause: "403" });
  });
  const { notes, end } = await patient(() => Promise.reject(error));
  await expect(end).rejects.toBe(error);
  expect(notes).toEqual([]);
});

test("a signal ends the waiting", async () => {
  const controller = new AbortController();
  const { clock, end } = await patient(() => Promise.reject(away()), controller.signal);
  await clock.advance(1500);
  controller.abort(new Error("told to stop"));
  await expect(end).rejects.toThrow("told to stop");
});
