import type { Seen } from "../fake-server.ts";
import type { Asked } from "./cluster-recording.ts";

/** What was asked, so that it says whom as well: visitors by the host that they want, instances by where they are. */
export function askedTarget(asked: Asked, { target, headers }: Pick<Seen, "target" | "headers">, port = 0): string {
  if (asked === "visitor") return `http://${(headers.host ?? "").replace(/:\d+$/, "")}${target}`;
  return asked === "instance" ? `:${port}${target}` : target;
}
