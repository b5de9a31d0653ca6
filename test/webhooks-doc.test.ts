import { describe, expect, test } from "vitest";
import { errorCodes } from "../src/shared/errors.ts";
import { DELIVERY_BOUNDS } from "../src/webhooks/delivery-journal.ts";
import { DEFAULT_LIMITS } from "../src/webhooks/receiver-options.ts";
import { adapters } from "../src/webhooks/senders/adapters.ts";
import { setupOf } from "../src/webhooks/setup-of.ts";
import { senders } from "../src/webhooks/types.ts";
import { readPage } from "./support/pages.ts";

const page = readPage("docs/webhooks.md");

/** The section of a sender: that in which its webhook is added. */
function sectionOf(sender: string): string {
  const sections = page.split(/^##+ /m).slice(1);
  return (
    sections.find(
      (section) =>
        section.includes("steppe webhook add ") &&
        !section.startsWith("Set one up") &&
        section.includes(`--sender ${sender}\n`),
    ) ?? ""
  );
}

test("docs/webhooks.md has a row for each sender", () => {
  const rows = [...page.matchAll(/^\| `([a-z][a-z-]+)` +\|/gm)].map(([, name]) => name);
  expect(rows.sort()).toEqual([...senders].sort());
});

describe.each(senders)("the section of %s", (sender) => {
  const section = sectionOf(sender);
  const name = /steppe webhook add ([a-z]+) --sender/.exec(section)?.[1] ?? "";
  const [base = ""] = /https?:\/\/[^/\s]+\/hooks\//.exec(section) ?? [];
  const url = `${base}${name}${adapters[sender].proof === "path" ? "/SECRET" : ""}`;
  const setup = setupOf(sender, { name, url, secret: "SECRET" });

  test("says where, and what to give, as `steppe webhook add` prints it", () => {
    expect(section).toContain(`\n${setup.where}`);
    const rows = [...section.matchAll(/^\| (\S.*?) +\| (\S.*?) +\|$/gm)]
      .slice(2)
      .map(([, field, value]) => [field, value]);
    expect(rows).toEqual(setup.fields.map(({ name: field, value }) => [field, value]));
  });

  test("shows the lines for a file, if it is configured by one", () => {
    const lines = section.split("\n").filter((line) => line.startsWith("    "));
    const shown = lines.map((line) => line.slice(4)).join("\n");
    expect(shown).toContain(setup.block ?? "");
  });
});

test("docs/webhooks.md names the bounds as they are", () => {
  const number = (value: number): string => value.toLocaleString("en");
  expect(page).toContain(
    `${number(DELIVERY_BOUNDS.mostOthers)} deliveries and ${number(DELIVERY_BOUNDS.mostRefused)} refusals`,
  );
  expect(page).toContain(`the bodies of the newest ${DELIVERY_BOUNDS.mostBodies}`);
  expect(page).toContain(`larger than ${DEFAULT_LIMITS.bodyBytes / 1024 ** 2} MiB`);
  expect(page).toContain(`${DEFAULT_LIMITS.refusals} a minute at most`);
});

test("docs/webhooks.md lists what the listener answers", () => {
  const listed = [...page.matchAll(/^\| (\d{3}) +\|/gm)].map(([, status]) => Number(status));
  const refusals = [
    ...(["DELIVERY_MALFORMED", "WEBHOOK_UNVERIFIED", "WEBHOOK_NOT_FOUND", "METHOD_NOT_ALLOWED"] as const),
    ...(["BODY_TIMEOUT", "BODY_TOO_LARGE", "RECEIVER_UNAVAILABLE"] as const),
  ];
  expect(listed).toEqual([200, 202, 204, ...refusals.map((code) => errorCodes[code].status)]);
});
