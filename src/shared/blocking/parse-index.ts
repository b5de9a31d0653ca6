/** The index that an answer carries, `X-Consul-Index` or `X-Nomad-Index`; undefined if there is none that can be read. Never a JavaScript number: it has 64 bits. */
export function parseIndex(field: string | undefined): bigint | undefined {
  return field !== undefined && /^\d{1,20}$/.test(field) ? BigInt(field) : undefined;
}
