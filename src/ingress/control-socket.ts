import { chmodSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { errno, SteppeError } from "../shared/errors.ts";
import type { Logger } from "../shared/log.ts";
import type { ControlAnswer, ControlOperations, ControlRequest, OperationName } from "./control-protocol.ts";
import { ingressFolders } from "./ingress-config.ts";
import type { IngressProcess } from "./ingress-process.ts";
import { ListenFailure } from "./listeners.ts";
import { readMessages, sendMessage } from "./ndjson.ts";
import { withSocketPath } from "./socket-path.ts";
import { spawnIngress } from "./spawn-ingress.ts";

type Handlers = {
  [Name in OperationName]: (
    parameters: ControlOperations[Name]["parameters"],
  ) => ControlOperations[Name]["result"] | Promise<ControlOperations[Name]["result"]>;
};

/** The Unix socket by which control speaks with an ingress process: `run/ingress-ID.sock`, for our own user only. */
export class ControlSocket {
  readonly #server: Server;
  readonly #path: string;
  readonly #connections = new Set<Socket>();

  private constructor(server: Server, path: string) {
    this.#server = server;
    this.#path = path;
  }

  static async open(ingress: IngressProcess, log: Logger): Promise<ControlSocket> {
    const handlers = handlersOf(ingress);
    const server = createServer();
    const path = join(ingressFolders(ingress.config.dataFolder).run, `ingress-${ingress.config.id}.sock`);
    const control = new ControlSocket(server, path);
    server.on("connection", (socket) => control.#serve(socket, handlers, log));
    rmSync(path, { force: true });
    await withSocketPath(path, (short) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      server.once("error", reject);
      server.listen({ path: short }, resolve);
      return promise;
    });
    chmodSync(path, 0o600);
    return control;
  }

  /** Takes the socket away and ends all connections. */
  close(): void {
    this.#server.close();
    rmSync(this.#path, { force: true });
    for (const socket of this.#connections) socket.destroy();
  }

  /** Whether somebody is connected. */
  get isConnected(): boolean {
    return this.#connections.size > 0;
  }

  #serve(socket: Socket, handlers: Handlers, log: Logger): void {
    this.#connections.add(socket);
    socket.on("close", () => this.#connections.delete(socket));
    socket.on("error", (error) => log.debug({ err: error }, "a control connection broke"));
    readMessages(socket, (message) => {
      if (typeof message !== "object" || message === null) throw new Error("a message must be an object");
      const request = message as ControlRequest;
      void handle(request, handlers).then((answer) => {
        if ("error" in answer) log.warn({ operation: request.operation, ...answer.error }, "an operation failed");
        if (socket.writable) sendMessage(socket, answer);
      });
    });
  }
}

async function handle({ id, operation, parameters }: ControlRequest, handlers: Handlers): Promise<ControlAnswer> {
  try {
    const handler = handlers[operation] as (parameters: unknown) => unknown;
    if (!Object.hasOwn(handlers, operation)) throw new Error(`unknown operation ${String(operation)}`);
    return { id, result: await handler(parameters) };
  } catch (error) {
    return { id, error: { code: codeOf(error), message: error instanceof Error ? error.message : String(error) } };
  }
}

function codeOf(error: unknown): string {
  if (error instanceof ListenFailure) return `${error.code}:${error.listener}`;
  return error instanceof SteppeError ? error.code : (errno(error) ?? "INTERNAL");
}

function handlersOf(ingress: IngressProcess): Handlers {
  return {
    status: () => ingress.status(),
    prepare({ generation }) {
      ingress.prepare(generation);
      return {};
    },
    switch({ generation }) {
      ingress.switch(generation);
      return {};
    },
    discard() {
      ingress.discard();
      return {};
    },
    reload: () => ({ generation: ingress.reload() }),
    accept: () => ingress.accept(),
    probe: (request) => ingress.probe(request),
    spawn: async (request) => ({ pid: await spawnIngress(request, ingress.listeners.descriptors()) }),
    drain(times) {
      ingress.drain(times);
      return {};
    },
  };
}
