import type { Command } from "commander";
import { SteppeError } from "../../shared/errors.ts";
import { withJson } from "../common-options.ts";
import type { Context } from "../context.ts";
import { storeCredentials } from "../credentials.ts";
import { isLoopback } from "../../shared/loopback.ts";
import { parseServerUrl } from "../server-url.ts";

/** With `--json`, `{"url", "version", "file"}`. */
export function define(command: Command, context: Context): void {
  command
    .argument("<url>", "the API's address")
    .addHelpText(
      "after",
      "\nThe token lies in `token` in the server's data folder. It is asked for, or read from standard input.\n" +
        "A server with a certificate of its own CA has to be trusted first: docs/server.md says how.",
    );
  withJson(command).action(async (address: string, options: { json?: boolean }) => {
    const url = parseServerUrl(address, "the address");
    if (url.startsWith("http:") && !isLoopback(url)) {
      await context.note(`warning: ${url} is not encrypted; whoever is on the way can read the token`);
    }
    const token = await readToken(context, url);
    const { version } = await (await context.io.connect({ url, token })).status();
    const file = storeCredentials(context.io, url, token);
    if (options.json === true) return await context.printJson({ url, version, file });
    await context.print(`${url} (Steppe ${version}) is the server from now on; its token is in ${file}`);
  });
}

async function readToken({ io }: Context, url: string): Promise<string> {
  const text = io.stdin.isTTY
    ? await io.stdin.ask(`Token for ${url} (it is not shown): `, { secret: true })
    : await io.stdin.read();
  const token = text.trim();
  if (/^[\x21-\x7e]{1,1024}$/.test(token)) return token;
  throw new SteppeError("TOKEN_MISSING", {
    operation: "log in",
    subject: `to ${url}`,
    cause: token === "" ? "no token was given" : "what was given is no token",
    hint: "It lies in `token` in the server's data folder: steppe login URL < token",
  });
}
