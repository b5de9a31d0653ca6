import { connect, type Socket } from "node:net";
import type { ControlAnswer, ControlOperations, DrainTimes, IngressStatus, OperationName } from "./control-protocol.ts";
import { readMessages, sendMessage } from "./ndjson.ts";
import { withSocketPath } from "./socket-path.ts";

/** An ingress process answered that it could not do what was asked. */
export class OperationRefused extends Error {
  /** The system's or Steppe's code; of a listener `EADDRINUSE:http`. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** An ingress process did not answer: it hangs, or it is gone. */
export class NoAnswer extends Error {}

/** It ended, or let go of the connection. */
export class Gone extends NoAnswer {}

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/** Control's end of the socket of one ingress process. Where this is open, the process lives. */
export class IngressClient {
  #status: IngressStatus | undefined;
  /** Resolves when the connection has ended. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.closed = new Promise((resolve) => socket.once("close", () => resolve()));
    socket.on("error", () => {}); // `close` follows, and tells everybody who waits
    socket.on("close", () => this.#rejectAll());
    readMessages(socket, (message) => this.#onAnswer(message as ControlAnswer));
  }

  /** Connects and asks who it is. Rejects with the system's error, or NoAnswer. */
  static async connect(path: string): Promise<IngressClient> {
    const socket = await withSocketPath(path, (short) => {
      const { promise, resolve, reject } = Promise.withResolvers<Socket>();
      const connecting = connect({ path: short }, () => resolve(connecting));
      connecting.once("error", reject);
      return promise;
    });
    const client = new IngressClient(socket);
    try {
      client.#status = await client.call("status", {});
      return client;
    } catch (error) {
      client.close();
      throw error;
    }
  }

  /** As it was when we connected. */
  get status(): IngressStatus {
    if (this.#status === undefined) throw new Error("it has not said who it is");
    return this.#status;
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed;
  }

  /** `ingress 0-3fa2 (pid 1234)`, for messages. */
  get name(): string {
    return `ingress ${this.status.id} (pid ${this.status.pid})`;
  }

  /** Rejects with OperationRefused, or NoAnswer when the process is gone or `timeoutMs` have passed. */
  call<Name extends OperationName>(
    operation: Name,
    parameters: ControlOperations[Name]["parameters"],
    timeoutMs = 5_000,
  ): Promise<ControlOperations[Name]["result"]> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      if (!this.isOpen) return reject(new Gone("it is gone"));
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new NoAnswer(`no answer to ${operation} within ${timeoutMs} ms`));
      }, timeoutMs);
      this.#waiting.set(id, {
        resolve(result) {
          clearTimeout(timer);
          resolve(result as ControlOperations[Name]["result"]);
        },
        reject(error) {
          clearTimeout(timer);
          reject(error);
        },
      });
      sendMessage(this.#socket, { id, operation, parameters });
    });
  }

  /** Tells it to drain. One that ended before it could answer did as it was told. */
  async drain(times: DrainTimes): Promise<void> {
    try {
      await this.call("drain", times);
    } catch (error) {
      if (this.isOpen) throw error;
    }
  }

  /** Ends the process at once. Only while connected: then the pid is surely still its own. */
  kill(): void {
    if (this.isOpen) process.kill(this.status.pid, "SIGKILL");
  }

  /** Ends the connection, not the process. */
  close(): void {
    this.#socket.destroy();
  }

  #onAnswer(answer: ControlAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ("error" in answer) waiting?.reject(new OperationRefused(answer.error.code, answer.error.message));
    else waiting?.resolve(answer.result);
  }

  #rejectAll(): void {
    for (const { reject } of this.#waiting.values()) reject(new Gone("it is gone"));
    this.#waiting.clear();
  }
}
