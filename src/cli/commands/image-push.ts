import type { Command } from "commander";
import { type CommonOptions, withServer } from "../common-options.ts";
import type { Context } from "../context.ts";
import { findImage } from "../find-image.ts";
import { count, formatBytes } from "../human.ts";
import { Progress } from "../progress.ts";

/** With `--json`, `{"digest", "reference", "blobs", "bytes"}`. */
export function define(command: Command, context: Context): void {
  command
    .argument("<image>", "its digest, or the app whose live release it is, or `APP:RELEASE`")
    .argument("<reference>", "where to: `registry.example.com/team/site:v2`");
  withServer(command).action(async (image: string, reference: string, options: CommonOptions) => {
    const { io } = context;
    const client = await context.client(options);
    const digest = await findImage(client, image);
    const progress = new Progress(io.stderr);
    const pushed = await progress.during((tell) => client.pushImage(digest, reference, tell, io.signal));
    if (options.json === true) return await context.printJson(pushed);
    const { uploaded, mounted, there } = pushed.blobs;
    await context.print(
      `${pushed.reference}@${pushed.digest}\nPushed ${formatBytes(pushed.bytes)} in ${count(uploaded, "blob")}; ${mounted + there} were there.`,
    );
  });
}
