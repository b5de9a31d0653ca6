import type { Command } from "commander";
import { errno, SteppeError } from "../../shared/errors.ts";
import { type CommonOptions, withServer } from "../common-options.ts";
import type { Context } from "../context.ts";

interface Options extends CommonOptions {
  browser: boolean;
}

/** With `--json`, `{"url", "opened"}`. */
export function define(command: Command, context: Context): void {
  command.argument("<app>").option("--no-browser", "only print the address");
  withServer(command).action(async (name: string, options: Options) => {
    const app = await (await context.client(options)).app(name);
    const url = app.urls.find((candidate) => !candidate.includes("*"));
    if (url === undefined) {
      throw new SteppeError("NOT_FOUND", {
        operation: "open",
        subject: name,
        cause: "it has no exact domain, only wildcards",
        hint: "Open one of the names that its wildcard covers.",
      });
    }
    const opened = options.browser && (await openBrowser(context, url));
    if (options.json === true) return await context.printJson({ url, opened });
    await context.print(url);
  });
}

/** Opens the user's browser, if there is a desktop to open it on. */
async function openBrowser({ io }: Context, url: string): Promise<boolean> {
  const hasDesktop = Boolean(io.env["DISPLAY"]) || Boolean(io.env["WAYLAND_DISPLAY"]);
  if (!hasDesktop || !/^https?:\/\//.test(url)) return false;
  try {
    await io.runDetached("xdg-open", [url]);
    return true;
  } catch (error) {
    if (errno(error) === "ENOENT") return false; // the printed address has to do
    throw error;
  }
}
