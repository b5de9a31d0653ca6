/** Waits until something is so, a turn of the event loop at a time: as long as it takes; the test's own time limit ends it. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(setImmediate);
}
