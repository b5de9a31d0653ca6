/** A signal that aborts after so many milliseconds, or with another one if that is sooner. */
export function withinTime(ms: number, signal: AbortSignal | undefined): AbortSignal {
  const time = AbortSignal.timeout(ms);
  return signal === undefined ? time : AbortSignal.any([signal, time]);
}
