/**
 * The address of a path on an instance. A path may begin with `//`, which in a reference to another address would name a host.
 *
 * @param address `10.0.0.1:23456`
 */
export function instanceUrl(address: string, path: string): URL {
  return new URL(`http://${address}${path.startsWith("/") ? "" : "/"}${path}`);
}
