/** Asks again and again until there is something; resolves with it. Throws after `limitMs`. */
export async function until<Found>(
  what: string,
  ask: () => Promise<Found | undefined>,
  { everyMs = 5, limitMs = 120_000 } = {},
): Promise<Found> {
  const end = performance.now() + limitMs;
  while (performance.now() < end) {
    const found = await ask();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  throw new Error(`${what} did not come within ${limitMs} ms`);
}
