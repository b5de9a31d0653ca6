import pino from "pino";
import type { Logger } from "../shared/log.ts";
import { printable } from "../shared/style.ts";
import type { Output } from "./announcer.ts";

const LEVELS: Readonly<Record<number, string>> = { 20: "debug", 30: "info", 40: "warn", 50: "error", 60: "fatal" };

/** The log of the control process: JSON lines, or, on a terminal, lines that a person reads. */
export function createLogger(output: Output, level: string): Logger {
  const write = (line: string): void => {
    output.write(output.isTTY === true ? prettyLine(line) : line);
  };
  return pino({ level, base: null, redact: ["token", "*.token", "authorization", "*.authorization"] }, { write });
}

/** `09:12:44 WARN  routing the live release again  app=blog live=3`, and below it the stack of an error. */
export function prettyLine(json: string): string {
  const { level, time, msg, err, ...rest } = JSON.parse(json) as {
    level: number;
    time: number;
    msg?: string;
    err?: { message?: string; stack?: string };
    [field: string]: unknown;
  };
  const clock = new Date(time).toTimeString().slice(0, 8);
  const fields = Object.entries(rest).map(
    ([name, value]) => `${name}=${typeof value === "string" && !/[\r\n]/.test(value) ? value : JSON.stringify(value)}`,
  );
  const name = (LEVELS[level] ?? String(level)).toUpperCase().padEnd(5);
  const stack = err === undefined ? "" : `\n${err.stack ?? err.message ?? ""}`;
  return printable(`${[`${clock} ${name} ${msg ?? ""}`, ...fields].join("  ")}${stack}\n`);
}
