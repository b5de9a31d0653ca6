const UNITS: Readonly<Record<string, number>> = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };

/** A size as Docker and buildah print it for people, `5.24MB` or `5.24 MB`, in bytes. */
export function parseBytes(text: string): number {
  const [, number = "0", unit = "B"] = /^([\d.]+)\s*(\S+)$/.exec(text) ?? [];
  return Math.round(Number(number) * (UNITS[unit] ?? 1));
}
