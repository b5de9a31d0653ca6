import { request as requestHttp, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { request as requestHttps } from "node:https";

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
  text: string;
}

export interface GetOptions {
  /** Host of the Host header and of SNI; the connection goes to the address whatever it is. */
  host: string;
  /** Default `/`. Sent as it is: nothing is normalised. */
  path?: string;
  /** Default `GET`. */
  method?: string;
  headers?: Readonly<Record<string, string>>;
  body?: string | Uint8Array;
  /** The only certificate authority to trust, PEM; needed for `https:` addresses. */
  ca?: string;
  signal?: AbortSignal;
}

/**
 * Asks a server for something in the name of a host that needs no DNS: connects to `address`, with Host (and
 * SNI) of `host`, on a connection of its own.
 *
 * @param address `http://127.0.0.1:8080` or `https://127.0.0.1:8443`
 */
export async function httpGet(address: string, options: GetOptions): Promise<Answer> {
  const { host, path = "/", method = "GET", headers = {}, body, ca, signal } = options;
  const { protocol, hostname, port } = new URL(address);
  const secure = protocol === "https:";
  const common = {
    host: hostname,
    port,
    path,
    method,
    agent: false,
    headers: { host: `${host}:${port}`, ...headers },
    ...(signal === undefined ? {} : { signal }),
  } as const;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = secure
      ? requestHttps({ ...common, servername: host, ca: ca ?? [] }, resolve)
      : requestHttp(common, resolve);
    request.on("error", reject);
    request.end(body);
  });
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  const content = Buffer.concat(chunks);
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: content,
    get text() {
      return content.toString("utf8");
    },
  };
}
