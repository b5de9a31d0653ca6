import { readFileSync } from "node:fs";
import { formatListenAddress, type ListenAddress } from "../config/index.ts";
import type { PlatformAddresses } from "../api/types.ts";
import { errno, SteppeError } from "../shared/errors.ts";

/** What can listen on an address of this machine, and says on which port. */
export interface Listening {
  listen(host: string, port: number): Promise<number>;
}

/**
 * Makes it listen and returns its origin. Where any port will do, it is the one of the last start, if that is free: control may be
 * started again at any time, and git remotes, open terminals and senders of webhooks go on.
 *
 * @param last where it was then
 */
export async function listenAgain(it: Listening, wanted: ListenAddress, last: string | null): Promise<string> {
  const address = (port: number): string => `http://${formatListenAddress({ host: wanted.host, port })}`;
  const before = wanted.port === 0 && last !== null ? URL.parse(last) : null;
  if (before !== null && before.port !== "" && before.origin === address(Number(before.port))) {
    try {
      return address(await it.listen(wanted.host, Number(before.port)));
    } catch (error) {
      if (!(error instanceof SteppeError && error.code === "PORT_TAKEN")) throw error;
    }
  }
  return address(await it.listen(wanted.host, wanted.port));
}

/** What the last start wrote of its addresses; nothing if there was none. */
export function lastAddresses(file: string): Partial<PlatformAddresses> {
  try {
    const said = JSON.parse(readFileSync(file, "utf8")) as unknown;
    return typeof said === "object" && said !== null ? said : {};
  } catch (error) {
    if (errno(error) === "ENOENT" || error instanceof SyntaxError) return {};
    throw error;
  }
}
