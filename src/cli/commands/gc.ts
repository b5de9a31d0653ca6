import type { Command } from "commander";
import { type CommonOptions, withServer } from "../common-options.ts";
import type { Context } from "../context.ts";
import { count, formatBytes } from "../human.ts";

/** With `--json`, the GarbageReport. */
export function define(command: Command, context: Context): void {
  withServer(command).action(async (options: CommonOptions) => {
    const report = await (await context.client(options)).collectGarbage();
    if (options.json === true) return await context.printJson(report);
    const { releases, images, files, bytes } = report;
    if (releases + images + files + bytes === 0) return await context.print("There was nothing to free.");
    const parts = Object.entries({ release: releases, image: images, file: files }).filter(([, number]) => number > 0);
    const what = parts.map(([noun, number]) => count(number, noun)).join(", ");
    await context.print(`Freed ${formatBytes(bytes)}${what && `: ${what}`}`);
  });
}
