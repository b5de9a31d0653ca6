import { listenError } from "../shared/port-owner.ts";
import { OperationRefused } from "./ingress-client.ts";
import type { ListenAddress } from "./listen-address.ts";

/**
 * What a person is told when a process answered that it cannot listen: PORT_TAKEN with who has the port, PORT_FORBIDDEN, USAGE; of
 * another error, the error.
 */
export function refusedListener(error: unknown, wanted: { http: ListenAddress; https: ListenAddress }): unknown {
  if (!(error instanceof OperationRefused)) return error;
  const [code = "", listener] = error.code.split(":");
  if (listener !== "http" && listener !== "https") return error;
  const { host, port } = wanted[listener];
  return listenError(new OperationRefused(code, error.message), host, port, `--${listener} HOST:PORT`);
}
