/** Whether an address is of this machine, so that what goes there does not pass a network. */
export function isLoopback(url: string): boolean {
  const { hostname } = new URL(url);
  return /^(127\.[0-9.]+|\[::1\]|(.*\.)?localhost)$/.test(hostname);
}
