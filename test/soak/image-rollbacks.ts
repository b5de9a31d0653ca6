import { join } from "node:path";
import type { Release } from "../../src/api/types.ts";
import { type Answerer, fakeServer } from "../../src/images/registry/fakes.ts";
import { sha256Digest } from "../../src/images/index.ts";
import type { IncomingImage } from "../../src/images/index.ts";
import { type RunningSteppe, startSteppe } from "../support/steppe.ts";
import { imageOf, neededBytes, pageOf } from "./image-releases.ts";
import { bytesBelow } from "./images.ts";
import { leftovers } from "./leftovers.ts";
import { until } from "./processes.ts";
import type { SoakResult } from "./soak-result.ts";

const APP = "images";
const HOST = "images.localhost";
/** So many are kept by default, with the one that serves. */
const KEPT_RELEASES = 10;
/** A pack is copied when less than half of it is live. */
const PACK_SHARE = 2;
/** Collecting begins when a deployment has ended. */
const LIMIT_MS = 60_000;

/**
 * 200 deployments of images of 50 MB from a registry, of which 10 are kept: the disk holds what these need, and each can be rolled back to,
 * and is served.
 */
export async function run(scale: number): Promise<SoakResult> {
  const count = Math.ceil(200 * scale);
  await using registry = await fakeServer(answerer());
  await using steppe = await startSteppe();
  const problems: string[] = [];
  const repository = `${registry.host}/team/site`;
  const options = ["--domain", HOST, "--image", repository, "--no-grace"];
  await steppe.json("app", "add", APP, ...options);
  for (let release = 0; release < count; release++) {
    await steppe.json("deploy", APP, "--image", `${repository}:v${release}`);
    problems.push(...(await wrongPage(steppe, release)));
  }
  const { blobs, files } = neededBytes(count, KEPT_RELEASES);
  const most = Math.round((blobs + PACK_SHARE * files) / 1e6);
  const used = (): number =>
    ["oci", "packs", "images"].reduce((sum, name) => sum + bytesBelow(join(steppe.data, name)), 0) / 1e6;
  const smallest = await until(
    "what nobody needs being gone",
    async () => (used() <= most ? used() : undefined),
    LIMIT_MS,
  ).catch(used);
  if (smallest > most) problems.push(`the disk holds ${Math.round(smallest)} MB; ${most} MB are the most`);
  const releases = (await steppe.json("releases", APP)) as Release[];
  if (releases.length !== KEPT_RELEASES) problems.push(`${releases.length} releases are kept`);
  for (const { number } of releases.filter(({ live }) => !live)) {
    await steppe.json("rollback", APP, String(number));
    problems.push(...(await wrongPage(steppe, number - 1)));
  }
  problems.push(...(await leftovers(steppe)));
  return {
    counts: {
      deployments: count,
      rollbacks: releases.length - 1,
      "MB on disk": Math.round(smallest),
      "MB at most": most,
    },
    problems,
  };
}

async function wrongPage(steppe: RunningSteppe, release: number): Promise<string[]> {
  const { status, text } = await steppe.get({ host: HOST });
  return status === 200 && text === pageOf(release)
    ? []
    : [`in place of release ${release} there is ${status} ${text.slice(0, 80)}`];
}

/** A registry that has all of these images, and makes each when it is asked for: 200 of them would be 4 GB. */
function answerer(): Answerer {
  let at = -1;
  let image: IncomingImage | undefined;
  const imageAt = (release: number): IncomingImage => {
    if (image === undefined || at !== release) image = imageOf(release);
    at = release;
    return image;
  };
  return ({ method, target }, response) => {
    const [, kind, name = ""] = /^\/v2\/team\/site\/(manifests|blobs)\/(.+)$/.exec(target) ?? [];
    const tag = /^v(\d+)$/.exec(name)?.[1];
    const { manifest, mediaType, config, layers } = imageAt(tag === undefined ? Math.max(0, at) : Number(tag));
    const send = (bytes: Buffer, type: string): void => {
      const headers = {
        "content-type": type,
        "content-length": String(bytes.length),
        "docker-content-digest": sha256Digest(bytes),
      };
      response.writeHead(200, headers).end(method === "HEAD" ? undefined : bytes);
    };
    const layer = layers.find(({ descriptor }) => descriptor.digest === name);
    if (kind === "manifests" && (tag !== undefined || name === sha256Digest(manifest))) send(manifest, mediaType);
    else if (kind === "blobs" && name === sha256Digest(config)) send(config, "application/octet-stream");
    else if (kind === "blobs" && layer !== undefined) void sendLayer(layer, response);
    else if (target.startsWith("/v2/team/site/tags/list"))
      response.end(JSON.stringify({ name: "team/site", tags: [] }));
    else if (target === "/v2/") response.end("{}");
    else response.writeHead(404).end('{"errors":[{"code":"MANIFEST_UNKNOWN"}]}');
  };
}

async function sendLayer(
  { descriptor, content }: IncomingImage["layers"][number],
  response: Parameters<Answerer>[1],
): Promise<void> {
  response.writeHead(200, { "content-length": String(descriptor.size) });
  for await (const chunk of content()) response.write(chunk);
  response.end();
}
