import { expect, test } from "vitest";
import { type ErrorCode, SteppeError } from "../shared/errors.ts";
import { unlessRefused } from "./unless-refused.ts";

const failing = (code: ErrorCode) => () =>
  Promise.reject<string>(new SteppeError(code, { operation: "deploy", subject: "blog", cause: "not any more" }));

test("what is refused as it is compared is found otherwise; whatever else goes wrong is thrown", async () => {
  const why = ({ code }: SteppeError): string => code;
  expect(await unlessRefused(() => Promise.resolve("found"), why)).toBe("found");
  for (const code of ["CONFIG_INVALID", "NOMAD_JOB_INVALID", "NOMAD_REFUSED", "ROUTE_TAG_INVALID"] as const)
    expect(await unlessRefused(failing(code), why)).toBe(code);
  for (const code of ["NOMAD_DENIED", "NOMAD_UNREACHABLE", "INTERNAL"] as const)
    await expect(unlessRefused(failing(code), why)).rejects.toMatchObject({ code });
});
