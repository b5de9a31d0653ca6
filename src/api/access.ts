import type { Deployer } from "../deployer/index.ts";
import type { Clock } from "../shared/clock.ts";
import { sameSecret, secretOf } from "../shared/credentials.ts";
import { SteppeError } from "../shared/errors.ts";
import { WindowQuota } from "../shared/window-quota.ts";
import type { Exchange } from "./exchange.ts";

/** Wrong tokens of one peer in a minute; then it is told to wait. */
const MOST_FAILED = 20;
const MINUTE_MS = 60_000;

/** Decides who may do what. The right token is let in also after many wrong ones, since behind a proxy many share an address. */
export class Access {
  readonly #token: string;
  readonly #deployer: Deployer;
  readonly #failed: WindowQuota;

  constructor(token: string, deployer: Deployer, clock: Clock) {
    if (token === "") throw new Error("an empty token would open everything");
    this.#token = token;
    this.#deployer = deployer;
    this.#failed = new WindowQuota(clock, MOST_FAILED, MINUTE_MS);
  }

  /** Throws TOKEN_MISSING, TOKEN_WRONG, TOO_MANY_ATTEMPTS. */
  requireToken(exchange: Exchange): void {
    if (!sameSecret(this.#secret(exchange), this.#token)) throw this.#refused(exchange);
  }

  /**
   * Lets in whoever has the token, or the push token of just this app. Whether there is such an app is told only to those with the
   * token. Throws TOKEN_MISSING, TOKEN_WRONG, TOO_MANY_ATTEMPTS, APP_NOT_FOUND.
   */
  requirePush(exchange: Exchange, app: string): void {
    const secret = this.#secret(exchange);
    if (sameSecret(secret, this.#token)) {
      this.#deployer.app(app);
      return;
    }
    if (sameSecret(secret, this.#pushToken(app))) return;
    const name = app === "" ? "APP" : app;
    throw this.#refused(
      exchange,
      `\`steppe app show ${name} --push-url\` prints the address with the right one in it.`,
    );
  }

  #secret(exchange: Exchange): string {
    const secret = secretOf(exchange.request.headers.authorization) ?? "";
    if (secret !== "") return secret;
    throw new SteppeError("TOKEN_MISSING", {
      operation: "authorize",
      subject: exchange.shownPath,
      cause: "no token was given",
    });
  }

  /** Empty, which matches nothing, if there is no such app. */
  #pushToken(app: string): string {
    try {
      return this.#deployer.app(app).pushToken;
    } catch (error) {
      if (error instanceof SteppeError && error.code === "APP_NOT_FOUND") return "";
      throw error;
    }
  }

  #refused(exchange: Exchange, hint?: string): SteppeError {
    const peer = peerOf(exchange);
    const { isWithin, isFirstBeyond } = this.#failed.take(peer);
    if (isFirstBeyond) exchange.log.warn({ peer }, "too many wrong tokens; more of this minute are not logged");
    else if (isWithin) exchange.log.warn({ peer, path: exchange.shownPath }, "a wrong token was given");
    const parts = { operation: "authorize", subject: exchange.shownPath };
    if (!isWithin) return new SteppeError("TOO_MANY_ATTEMPTS", { ...parts, cause: "too many wrong tokens were given" });
    return new SteppeError("TOKEN_WRONG", { ...parts, cause: "the token is not the right one", hint });
  }
}

/** Who asks: of what came through the ingress, whom it says; it removes what clients claim. */
export function peerOf({ request }: Exchange): string {
  const { remoteAddress } = request.socket;
  if (remoteAddress !== undefined) return remoteAddress;
  const forwarded = request.headers["x-forwarded-for"];
  return (typeof forwarded === "string" ? forwarded.split(",").at(-1)?.trim() : undefined) ?? "unknown";
}
