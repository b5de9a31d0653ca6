import { FINAL_STATES } from "../deployer/index.ts";
import { SteppeError } from "../shared/errors.ts";
import type { ApiLimits, ApiOptions, LogRequest } from "./api-options.ts";
import type { Exchange } from "./exchange.ts";
import { parseCount, parseFlag } from "./parse-request.ts";
import { readArchive } from "./read-body.ts";
import type { Route } from "./router.ts";
import { deploymentId } from "./routes.ts";
import { withHeartbeats } from "./with-heartbeats.ts";

const MOST_LOG_LINES = 1_000_000;
const TEXT = "text/plain; charset=utf-8";

/** The routes whose request or answer is a stream. See types.ts. */
export function streamRoutes(options: ApiOptions, limits: ApiLimits): Route[] {
  return [
    {
      method: "GET",
      path: "/v1/deployments/:deployment/events",
      access: "token",
      handle: (exchange) => sendEvents(exchange, options, limits),
    },
    {
      method: "GET",
      path: "/v1/apps/:app/logs",
      access: "token",
      handle: (exchange) => sendAccessLog(exchange, options),
    },
    {
      method: "GET",
      path: "/v1/apps/:app/build-log",
      access: "token",
      handle: (exchange) => sendBuildLog(exchange, options),
    },
    {
      method: "POST",
      path: "/v1/apps/:app/uploads",
      access: "token",
      handle: (exchange) => receiveUpload(exchange, options, limits),
    },
    {
      method: "GET",
      path: "/v1/apps/:app/releases/:release/image",
      access: "token",
      handle: (exchange) => sendImage(exchange, options, limits),
    },
    { method: "GET", path: "/v1/backup", access: "token", handle: (exchange) => sendBackup(exchange, options) },
  ];
}

async function sendEvents(exchange: Exchange, { deployer, clock }: ApiOptions, limits: ApiLimits): Promise<void> {
  const { id } = deployer.deployment(deploymentId(exchange));
  const { signal } = exchange;
  async function* lines(): AsyncGenerator<string> {
    for await (const event of deployer.events(id, signal)) yield `${JSON.stringify(event)}\n`;
  }
  await exchange.stream("application/x-ndjson", withHeartbeats(lines(), "\n", limits.heartbeatMs, clock, signal));
}

async function sendAccessLog(exchange: Exchange, { deployer, logs }: ApiOptions): Promise<void> {
  const { definition } = deployer.app(exchange.param("app"));
  await exchange.stream(TEXT, logs.access(definition.name, logRequest(exchange)));
}

async function sendBuildLog(exchange: Exchange, { deployer, logs }: ApiOptions): Promise<void> {
  const app = deployer.app(exchange.param("app")).definition.name;
  const wanted = parseCount(exchange.query.get("deployment"), "deployment", Number.MAX_SAFE_INTEGER);
  const candidates = wanted === undefined ? deployer.deployments(app, 100) : [deployer.deployment(wanted)];
  const found = candidates
    .filter((deployment) => deployment.app === app)
    .map(({ id }) => ({ id, file: deployer.buildLog(id) }))
    .find(({ file }) => file !== null);
  if (found?.file === undefined || found.file === null) {
    throw new SteppeError("NOT_FOUND", {
      operation: "read the build log of",
      subject: wanted === undefined ? app : `${app}, deployment ${wanted}`,
      cause: "nothing was built",
      hint: "Only what a `build` command or a Dockerfile makes has a build log.",
    });
  }
  const { id, file } = found;
  const isFinished = (): boolean => {
    const { state } = deployer.deployment(id);
    return FINAL_STATES.has(state) || !["queued", "building"].includes(state);
  };
  await exchange.stream(TEXT, logs.build(file, logRequest(exchange), isFinished));
}

function logRequest({ query, signal }: Exchange): LogRequest {
  return {
    lines: parseCount(query.get("lines"), "lines", MOST_LOG_LINES),
    follow: parseFlag(query.get("follow"), "follow"),
    signal,
  };
}

async function receiveUpload(exchange: Exchange, options: ApiOptions, limits: ApiLimits): Promise<void> {
  const { deployer, uploads, clock } = options;
  const { request, requestId, signal } = exchange;
  const noGrace = parseFlag(exchange.query.get("noGrace"), "noGrace");
  const app = deployer.app(exchange.param("app")).definition.name;
  const archive = readArchive(request, limits.uploadBytes, limits.uploadIdleMs, clock);
  await using upload = await uploads.receive(app, archive, signal);
  exchange.json(202, await deployer.deployUpload(app, upload.tree, { requestId, noGrace }));
}

async function sendImage(exchange: Exchange, options: ApiOptions, limits: ApiLimits): Promise<void> {
  const { deployer, exportImage } = options;
  const app = deployer.app(exchange.param("app")).definition.name;
  const number = parseCount(exchange.param("release"), "release", Number.MAX_SAFE_INTEGER);
  const release = deployer.releases(app).find((candidate) => candidate.number === number);
  if (release === undefined) {
    throw new SteppeError("RELEASE_NOT_FOUND", {
      operation: "export the image of",
      subject: `${app}, release ${number}`,
      cause: "there is no such release",
    });
  }
  const image = await exportImage(release.image, {
    name: String(release.number),
    repoTag: `${app}:${release.number}`,
  });
  // Garbage collection waits for who reads, so nobody may stop reading and stay.
  exchange.response.setTimeout(limits.imageIdleMs, () => exchange.response.destroy());
  await exchange.stream("application/x-tar", image.content(), {
    "content-length": String(image.size),
    "content-disposition": `attachment; filename="${app}-${release.number}.tar"`,
  });
}

async function sendBackup(exchange: Exchange, { backup, clock }: ApiOptions): Promise<void> {
  const archive = await backup();
  const letGo = (): void => void archive.destroy();
  exchange.signal.addEventListener("abort", letGo);
  const name = `steppe-${new Date(clock.now()).toISOString().slice(0, 19).replace(/[-:]/g, "")}Z.tar`;
  try {
    await exchange.stream("application/x-tar", archive as AsyncIterable<Uint8Array>, {
      "content-disposition": `attachment; filename="${name}"`,
    });
  } finally {
    exchange.signal.removeEventListener("abort", letGo);
    letGo();
  }
}
