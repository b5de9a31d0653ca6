/**
 * One table of everything that can go wrong and that a user may see. `docs/errors.md` is
 * checked against it by a test.
 *
 * `status` is the HTTP status that the API answers; `exit` is the exit code of the command line;
 * `hint` says what to do when the place that throws knows nothing better.
 */
export const errorCodes = {
  // input
  USAGE: { status: 400, exit: 2, hint: "See `steppe help`." },
  CONFIG_INVALID: {
    status: 400,
    exit: 2,
    hint: "Correct what is named; `steppe validate` checks a file without applying it.",
  },
  DOMAIN_INVALID: {
    status: 400,
    exit: 2,
    hint: "A domain is a host name such as `blog.example.com`, or `*.example.com`.",
  },
  DOMAIN_TAKEN: { status: 409, exit: 3, hint: "Remove the domain from the other app first." },
  APP_NOT_FOUND: { status: 404, exit: 3, hint: "`steppe app list` shows the apps." },
  APP_EXISTS: { status: 409, exit: 3, hint: "`steppe app show NAME` shows it; `steppe apply` changes it." },
  RELEASE_NOT_FOUND: { status: 404, exit: 3, hint: "`steppe releases APP` lists the releases that are kept." },
  DEPLOYMENT_NOT_FOUND: { status: 404, exit: 3, hint: "`steppe status APP` shows the latest deployment." },
  TAG_NOT_FOUND: { status: 404, exit: 3, hint: "Push the tag first, or check its spelling." },
  TAG_REFUSED: { status: 400, exit: 3, hint: "Use a tag that names a version, such as v2." },
  PUSH_REFUSED: { status: 409, exit: 3, hint: "Push to the app's `repository`; its tags are looked at." },
  NOTHING_TO_ROLL_BACK: { status: 409, exit: 3, hint: "`steppe releases APP` lists the releases that are kept." },
  NOTHING_TO_APPROVE: { status: 409, exit: 3, hint: "`steppe status APP` shows what waits, and for what." },
  NOTHING_TO_PROMOTE: { status: 409, exit: 3, hint: "`steppe status APP` shows what waits, and for what." },
  NOT_FOUND: { status: 404, exit: 3, hint: "Check the address." },
  BODY_TIMEOUT: { status: 408, exit: 3, hint: "Send the whole request without pauses." },
  BODY_TOO_LARGE: { status: 413, exit: 3, hint: "Send less." },
  METHOD_NOT_ALLOWED: { status: 405, exit: 3, hint: "Check the method." },
  UPLOAD_INVALID: { status: 400, exit: 3, hint: "Send the folder with `steppe deploy APP --dir DIR`." },
  // access
  TOKEN_MISSING: { status: 401, exit: 4, hint: "Set STEPPE_TOKEN, or run `steppe login URL`." },
  TOKEN_WRONG: {
    status: 401,
    exit: 4,
    hint: "It is in the file `token` in the server's data folder; set STEPPE_TOKEN, or run `steppe login URL`.",
  },
  TOO_MANY_ATTEMPTS: { status: 429, exit: 4, hint: "Wait a minute, then try with the right token." },
  HOST_REFUSED: { status: 421, exit: 4, hint: "Use the address that `steppe up` printed." },
  ORIGIN_REFUSED: { status: 403, exit: 4, hint: "The API does not answer web pages of other origins." },
  // webhooks
  WEBHOOK_NOT_FOUND: { status: 404, exit: 3, hint: "Use the address that was printed when the webhook was added." },
  WEBHOOK_EXISTS: { status: 409, exit: 3, hint: "`steppe webhook list` shows the webhooks." },
  WEBHOOK_ROTATING: { status: 409, exit: 3, hint: "End that first: `steppe webhook rotate NAME --finish`." },
  WEBHOOK_UNVERIFIED: { status: 401, exit: 4, hint: "Give the sender the webhook's secret again." },
  DELIVERY_MALFORMED: { status: 400, exit: 3, hint: "Check that the webhook was added for this sender." },
  DELIVERY_NOT_FOUND: { status: 404, exit: 3, hint: "Old deliveries are forgotten, and their bodies before them." },
  RECEIVER_UNAVAILABLE: { status: 503, exit: 5, hint: "Send it again in a moment." },
  // sources
  GIT_MISSING: { status: 500, exit: 5, hint: "Install it: `apt-get install git`." },
  GIT_FAILED: { status: 502, exit: 5, hint: "Run the git command by hand to see more." },
  REMOTE_UNREACHABLE: {
    status: 502,
    exit: 5,
    hint: "Check the repository's address and that this machine may read it.",
  },
  REPOSITORY_INVALID: {
    status: 400,
    exit: 2,
    hint: "Give a https://, http://, ssh:// or file:// address, or git@host:path.",
  },
  // registries
  REFERENCE_INVALID: {
    status: 400,
    exit: 2,
    hint: "An image is named like `registry.example.com/team/site:v2`, or by its digest: `…/site@sha256:…`.",
  },
  IMAGE_INVALID: { status: 422, exit: 6, hint: "Build the image again, or fetch it anew." },
  IMAGE_NOT_FOUND: { status: 404, exit: 3, hint: "Check the spelling of the repository and tag." },
  REGISTRY_UNREACHABLE: {
    status: 502,
    exit: 5,
    hint: "Check the registry's address and that this machine can reach it; then try again.",
  },
  REGISTRY_DENIED: {
    status: 502,
    exit: 5,
    hint: "Check the credentials for the registry (`docker login`), and what they may do. The image may not exist, either.",
  },
  REGISTRY_LIMITED: {
    status: 503,
    exit: 5,
    hint: "Wait as long as the registry says. With credentials most registries allow more.",
  },
  REGISTRY_REFUSED: {
    status: 502,
    exit: 5,
    hint: "See what the registry says; its quota or its rules may be in the way.",
  },
  REGISTRY_ANSWER_INVALID: {
    status: 502,
    exit: 5,
    hint: "Something between may change answers (a proxy, a cache); else it is a fault of the registry.",
  },
  // clusters
  CLUSTER_MISSING: {
    status: 409,
    exit: 3,
    hint: "This server serves its sites by itself; `steppe up --engine nomad` runs apps on a cluster.",
  },
  INGRESS_MISSING: {
    status: 409,
    exit: 3,
    hint: "On a cluster visitors connect to Fabio, which has certificates and an access log of its own.",
  },
  ENVIRONMENT_INVALID: { status: 400, exit: 2, hint: "Correct the variable of the environment that is named." },
  CONSUL_UNREACHABLE: {
    status: 502,
    exit: 5,
    hint: "Check CONSUL_HTTP_ADDR, and that an agent of Consul runs there: `consul members`.",
  },
  CONSUL_DENIED: {
    status: 502,
    exit: 5,
    hint: "Check CONSUL_HTTP_TOKEN, and what its policies allow: `consul acl token read -self`.",
  },
  CONSUL_LIMITED: { status: 503, exit: 5, hint: "Try again in a while; see `limits` in Consul's configuration." },
  CONSUL_REFUSED: { status: 502, exit: 5, hint: "See what Consul says; its log may say more: `consul monitor`." },
  CONSUL_ANSWER_INVALID: {
    status: 502,
    exit: 5,
    hint: "Check that CONSUL_HTTP_ADDR is the HTTP address of a Consul agent, with nothing between that changes answers.",
  },
  NOMAD_UNREACHABLE: {
    status: 502,
    exit: 5,
    hint: "Check NOMAD_ADDR, and that an agent of Nomad runs there: `nomad server members`.",
  },
  NOMAD_DENIED: {
    status: 502,
    exit: 5,
    hint: "Check NOMAD_TOKEN, and what its policies allow: `nomad acl token self`.",
  },
  NOMAD_LIMITED: {
    status: 503,
    exit: 5,
    hint: "Try again in a while; see `limits` in the agent's configuration (`http_max_conns_per_client`).",
  },
  NOMAD_REFUSED: { status: 502, exit: 5, hint: "See what Nomad says; its log may say more: `nomad monitor`." },
  NOMAD_ANSWER_INVALID: {
    status: 502,
    exit: 5,
    hint: "Check that NOMAD_ADDR is the HTTP address of a Nomad agent, with nothing between that changes answers.",
  },
  NOMAD_NOT_FOUND: { status: 404, exit: 3, hint: "Check the id; what is over is forgotten after a while." },
  NOMAD_JOB_INVALID: { status: 422, exit: 6, hint: "Correct the jobspec, or what the app says of its job." },
  NOMAD_JOB_CHANGED: {
    status: 409,
    exit: 6,
    hint: "`steppe drift APP` shows what was changed; with `--overwrite` the next deployment overwrites it.",
  },
  NOMAD_JOB_UNADOPTABLE: {
    status: 422,
    exit: 6,
    hint: "An app is a service that runs an image of a registry, and has a domain.",
  },
  NOMAD_DEPLOYMENT_UNREADY: { status: 409, exit: 6, hint: "Wait until its canaries are healthy, then promote it." },
  NOMAD_DEPLOYMENT_OVER: { status: 409, exit: 6, hint: "Nothing can be done with it any more; deploy again." },
  FABIO_UNREACHABLE: {
    status: 502,
    exit: 5,
    hint: "Check that Fabio runs there, and that the address is that of its API (`ui.addr`, port 9998).",
  },
  FABIO_STALE: {
    status: 502,
    exit: 5,
    hint: "`steppe cluster doctor` finds the tag that stops Fabio's routes from changing; what was live goes on serving.",
  },
  ROUTE_TAG_INVALID: { status: 422, exit: 6, hint: "Correct the tag; nothing was registered." },
  // content
  SITE_EMPTY: { status: 422, exit: 6, hint: "Check the app's `folder` or `build.output`." },
  FOLDER_MISSING: { status: 422, exit: 6, hint: "Check the app's `folder` or `build.output`." },
  LINK_OUTSIDE: { status: 422, exit: 6, hint: "Copy the target into the site, or remove the link." },
  LINK_BROKEN: { status: 422, exit: 6, hint: "Correct the link, or remove it." },
  PATH_NOT_UTF8: { status: 422, exit: 6, hint: "Rename the file; names are UTF-8." },
  PATH_TOO_LONG: { status: 422, exit: 6, hint: "Shorten the path; 1,024 bytes are allowed." },
  FILE_UNSUPPORTED: { status: 422, exit: 6, hint: "A site holds files, folders and links only." },
  CONTENT_CORRUPT: { status: 500, exit: 7, hint: "Deploy the tag again; if it recurs, check the disk." },
  DISK_FULL: { status: 507, exit: 7, hint: "Free some space; `steppe status` shows what Steppe uses." },
  // builds
  BUILD_FAILED: { status: 422, exit: 6, hint: "`steppe logs APP --build` shows the whole log." },
  BUILD_TIMEOUT: { status: 422, exit: 6, hint: "Raise the app's `build.timeout`, or find what hangs." },
  BUILD_CANCELLED: { status: 409, exit: 6, hint: "Deploy the tag again." },
  BUILDER_MISSING: {
    status: 500,
    exit: 5,
    hint: "Install one: `apt-get install docker.io`, or `apt-get install buildah`.",
  },
  BUILDER_UNAVAILABLE: {
    status: 503,
    exit: 5,
    hint: "Start it: `systemctl start docker`; `journalctl --unit docker` says why it does not run. Or install buildah.",
  },
  SANDBOX_MISSING: {
    status: 500,
    exit: 5,
    hint: "Install bubblewrap (`apt-get install bubblewrap`), or run Steppe as root.",
  },
  // deployments
  CHECK_FAILED: { status: 422, exit: 6, hint: "Correct the site, or the app's `check`." },
  DEPLOYMENT_FAILED: { status: 500, exit: 6, hint: "`steppe status APP` shows the cause." },
  DEPLOYMENT_SUPERSEDED: { status: 409, exit: 6, hint: "A newer tag was deployed instead." },
  DEPLOYMENT_REJECTED: { status: 409, exit: 6, hint: "A person decided so; what was live before goes on serving." },
  INSTANCE_FAILED: { status: 422, exit: 6, hint: "Correct the image, or what the app's `run` says of it." },
  PLACEMENT_FAILED: {
    status: 422,
    exit: 6,
    hint: "Make room on the cluster (`nomad node status`), or have the app ask for less: `run.cpu`, `run.memory`, `run.constraints`.",
  },
  DRIVER_MISSING: {
    status: 422,
    exit: 6,
    hint: "The local engine serves static sites: build the image's last stage `FROM steppe/static`, or say with the app's `image.site` which folder of it is the site.",
  },
  // platform
  PORT_TAKEN: { status: 500, exit: 5, hint: "Stop the other program, or choose another address." },
  PORT_FORBIDDEN: { status: 500, exit: 5, hint: "Ports below 1024 want root or CAP_NET_BIND_SERVICE." },
  ALREADY_RUNNING: { status: 500, exit: 5, hint: "Stop the other one, or give another `--data` folder." },
  DATA_FOLDER_UNUSABLE: { status: 500, exit: 5, hint: "Give another folder with `--data`." },
  STORE_CORRUPT: { status: 500, exit: 7, hint: "Restore the newest backup with `steppe restore FILE`." },
  STORE_TOO_NEW: { status: 500, exit: 7, hint: "Run the Steppe that wrote it, or a newer one." },
  BACKUP_INVALID: { status: 400, exit: 7, hint: "Give a file that `steppe backup` wrote." },
  INGRESS_UNAVAILABLE: { status: 503, exit: 5, hint: "It is being started again; see `logs/` in the data folder." },
  API_UNREACHABLE: { status: 503, exit: 5, hint: "Start it with `steppe up`, or set STEPPE_URL." },
  CERTIFICATE_FAILED: { status: 500, exit: 5, hint: "See the log for the cause." },
  INSTALL_FAILED: { status: 500, exit: 5, hint: "Run `steppe install` as root on a machine with systemd." },
  SHUTTING_DOWN: { status: 503, exit: 5, hint: "Try again when it runs." },
  INTERNAL: { status: 500, exit: 70, hint: "This is a defect of Steppe; please report it with the log." },
} as const satisfies Record<string, { status: number; exit: number; hint: string }>;

export type ErrorCode = keyof typeof errorCodes;

/** What an error says, besides its code. All of it may be shown to a user: no secrets. */
export interface ErrorParts {
  /** What was being done, as a verb phrase: "build", "push", "bind". */
  operation: string;
  /** What it was done to: "blog@v2", "127.0.0.1:8080". */
  subject: string;
  /** Why it failed, one line: "the command exited with 1". */
  cause: string;
  /** What to do; the code's own hint when absent. */
  hint?: string | undefined;
  /** More lines that help: the last lines of a log, the answer that came. */
  detail?: string | undefined;
}

/** The form of an error in JSON, in the API's answers and in the store. */
export interface ErrorBody extends ErrorParts {
  code: ErrorCode;
  hint: string;
}

/** The one error class. Thrown, never logged and passed over. */
export class SteppeError extends Error {
  override readonly name = "SteppeError";
  readonly code: ErrorCode;
  readonly operation: string;
  readonly subject: string;
  readonly reason: string;
  readonly hint: string;
  readonly detail: string | undefined;
  /** How long the one who refused asked to be left alone, milliseconds; undefined if it did not. Not in the JSON. */
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, parts: ErrorParts, options?: ErrorOptions & { retryAfterMs?: number | undefined }) {
    super(`${parts.operation} ${parts.subject}: ${parts.cause}`, options);
    this.code = code;
    this.operation = parts.operation;
    this.subject = parts.subject;
    this.reason = parts.cause;
    this.hint = parts.hint ?? errorCodes[code].hint;
    this.detail = parts.detail;
    this.retryAfterMs = options?.retryAfterMs;
  }

  toJSON(): ErrorBody {
    const { code, operation, subject, hint, detail } = this;
    return { code, operation, subject, cause: this.reason, hint, ...(detail === undefined ? {} : { detail }) };
  }

  static fromJSON(body: ErrorBody): SteppeError {
    return new SteppeError(body.code in errorCodes ? body.code : "INTERNAL", body);
  }
}

/** Turns whatever was thrown into a SteppeError, so that nothing reaches a user without a code. */
export function toSteppeError(thrown: unknown, operation: string, subject: string): SteppeError {
  if (thrown instanceof SteppeError) return thrown;
  if (errno(thrown) === "ENOSPC" || errno(thrown) === "EDQUOT" || isStoreFull(thrown)) {
    return new SteppeError("DISK_FULL", { operation, subject, cause: "no space left on the disk" }, { cause: thrown });
  }
  const cause = thrown instanceof Error ? thrown.message : String(thrown);
  return new SteppeError("INTERNAL", { operation, subject, cause }, { cause: thrown });
}

/** SQLITE_FULL, see https://sqlite.org/rescode.html#full */
function isStoreFull(thrown: unknown): boolean {
  return (
    errno(thrown) === "ERR_SQLITE_ERROR" && thrown instanceof Error && "errcode" in thrown && thrown.errcode === 13
  );
}

/** The `code` of a Node system error (`ENOENT`, …), or undefined. */
export function errno(thrown: unknown): string | undefined {
  if (thrown instanceof Error && "code" in thrown && typeof thrown.code === "string") return thrown.code;
  return undefined;
}
