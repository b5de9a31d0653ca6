/** Where a listener listens. Port 0 is a free one. */
export interface ListenAddress {
  /** An address of this machine: `127.0.0.1`, `0.0.0.0`, `::`. */
  host: string;
  port: number;
}

/** Whether a listener that is there is the one that is wanted; port 0 wants any. */
export function isAddress(actual: ListenAddress, wanted: ListenAddress): boolean {
  return actual.host === wanted.host && (wanted.port === 0 || actual.port === wanted.port);
}
