import { readFileSync } from "node:fs";
import type { Api } from "../api/index.ts";
import { formatListenAddress, type UpOptions } from "../config/index.ts";
import { errno, SteppeError } from "../shared/errors.ts";

/**
 * Makes the API listen and returns its address. Where any port will do, it is the one of the last start, if that is free: control
 * may be started again at any time, and git remotes and open terminals go on.
 *
 * @param addressesFile where the last start wrote its addresses
 */
export async function listenForApi(
  api: Api,
  { api: wanted }: Pick<UpOptions, "api">,
  addressesFile: string,
): Promise<string> {
  const address = (port: number): string => `http://${formatListenAddress({ host: wanted.host, port })}`;
  const last = wanted.port === 0 ? lastAddress(addressesFile) : undefined;
  if (last?.port !== undefined && last.port !== "" && last.origin === address(Number(last.port))) {
    try {
      return address(await api.listen(wanted.host, Number(last.port)));
    } catch (error) {
      if (!(error instanceof SteppeError && error.code === "PORT_TAKEN")) throw error;
    }
  }
  return address(await api.listen(wanted.host, wanted.port));
}

function lastAddress(file: string): URL | undefined {
  try {
    return URL.parse((JSON.parse(readFileSync(file, "utf8")) as { api?: string }).api ?? "") ?? undefined;
  } catch (error) {
    if (errno(error) === "ENOENT" || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
