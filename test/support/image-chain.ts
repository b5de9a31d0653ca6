import { readFileSync } from "node:fs";
import { expect, type TestContext } from "vitest";
import { writeImage } from "../../scripts/site-server/oci-image.ts";
import type { DeliveryView, WebhookSetup } from "../../src/api/types.ts";
import { runCommand } from "../../src/shared/run-command.ts";
import type { DockerDaemon } from "./docker-daemon.ts";
import { type DockerRegistry, startDockerRegistry } from "./docker-registry.ts";
import { nativeBinary } from "./native-server.ts";
import { peer } from "./peers.ts";
import type { RunningSteppe } from "./steppe.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const DOCKERFILE = `FROM jekyll/jekyll:stable AS build
RUN apk add --no-cache --update tzdata
ENV TZ=Europe/London
RUN cp /usr/share/zoneinfo/Europe/London /etc/localtime
COPY . ./
RUN jekyll build
FROM stut/statigo:latest
COPY --from=build /srv/jekyll/_site/ ./
`;
/** Our static base, by the name that the Dockerfile has for it. */
export const STATIC = "stut/statigo:latest";

/** The site of a blog, whose page says its words and in which zone it was built. */
export function jekyllSite(words: string): Record<string, string> {
  const page = `---\n---\n# ${words}\n\nzone {{ site.time | date: "%Z" }}\n`;
  return { Dockerfile: DOCKERFILE, "_config.yml": "title: Blog\nexclude: [Dockerfile]\n", "index.md": page };
}

/** Our static base, in a Docker, by the name that the Dockerfile has for it. */
export async function loadStaticBase(context: TestContext, docker: DockerDaemon): Promise<void> {
  const skopeo = peer(context, "skopeo");
  using folder = temporaryFolder("static-base");
  const binary = readFileSync(await nativeBinary(context));
  writeImage(folder.file("oci"), [{ architecture: "amd64", content: binary }], "1.2.3");
  const copy = ["--insecure-policy", "copy", "--dest-daemon-host", docker.host, `oci:${folder.file("oci")}:1.2.3`];
  const copied = await runCommand({ file: skopeo, args: [...copy, `docker-daemon:${STATIC}`], env: {} });
  expect(copied.code, copied.stderr).toBe(0);
}

/** A registry that tells the platform of what is pushed to it. */
export async function startNotifying(
  context: TestContext,
  steppe: RunningSteppe,
  name: string,
): Promise<DockerRegistry> {
  const { url, secret } = (await steppe.json("webhook", "add", name, "--sender", "distribution")) as WebhookSetup;
  return await startDockerRegistry(context, { webhook: { url, headers: { Authorization: [`Bearer ${secret}`] } } });
}

/** Waits until a hint of a tag was acted on; resolves with what came of it. */
export async function settled(steppe: RunningSteppe, webhook: string, tag: string): Promise<string> {
  for (;;) {
    // The registry tells of each look as well.
    const all = await steppe.json("webhook", "deliveries", webhook, "--limit", "1000");
    const hints = (all as DeliveryView[]).flatMap((delivery) => delivery.hints);
    const outcome = hints.find(({ hint }) => hint.kind === "image" && hint.tag === tag)?.outcome;
    if (typeof outcome === "string") return outcome;
  }
}
