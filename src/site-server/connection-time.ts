import type { Socket } from "node:net";
import type { ConnectionContext } from "./connection-context.ts";
import { LeastRate } from "./least-rate.ts";

/** Milliseconds. A connection that is so old and has not asked is as good as idle, where others want its place. */
const UNASKED_MS = 2_000;

/** How long the client of one connection is waited for, by the listener's ticks: no timer of its own. */
export class ConnectionTime {
  readonly #socket: Socket;
  readonly #context: ConnectionContext;
  readonly #rate: LeastRate;
  /** When what it is waited for began, in ticks. */
  #since: number;
  #hasAsked = false;

  constructor(socket: Socket, context: ConnectionContext) {
    this.#socket = socket;
    this.#context = context;
    this.#rate = new LeastRate(socket, context.limits);
    this.#since = context.ticks;
  }

  /** From now on it is waited for something else. */
  restart(): void {
    this.#since = this.#context.ticks;
  }

  /** It has asked for something. */
  asked(): void {
    this.#hasAsked = true;
  }

  /** The rest of a head that has begun does not come. */
  get isHeadLate(): boolean {
    return this.#hasWaited(this.#context.limits.headMs);
  }

  /** No head begins. The first may take longer to come than those after it. */
  get isIdle(): boolean {
    const { headMs, keepAliveMs } = this.#context.limits;
    return this.#hasWaited(this.#hasAsked ? keepAliveMs : headMs);
  }

  /** For how many ticks no head has begun; undefined while the first may be on its way. */
  get idleTicks(): number | undefined {
    return this.#hasAsked || this.#hasWaited(UNASKED_MS) ? this.#context.ticks - this.#since : undefined;
  }

  /** It has the last answer, and had its time to see it. */
  get hasLingered(): boolean {
    return this.#socket.writableFinished && this.#hasWaited(this.#context.limits.lingerMs);
  }

  /** It moves, but so slowly that it would hold the connection for ever. @param wantsBody more of its body is wanted at the moment */
  trickles(wantsBody: boolean): boolean {
    const now = this.#context.ticks * this.#context.limits.checkMs;
    return this.#rate.isTakenTooSlowly(now) || this.#rate.isGivenTooSlowly(now, wantsBody);
  }

  /** At least so long, milliseconds: a tick may have come right after the begin. */
  #hasWaited(ms: number): boolean {
    const { ticks, limits } = this.#context;
    return (ticks - this.#since - 1) * limits.checkMs >= ms;
  }
}
