/** Bytes of the memory that a module starts with: one after another, or (UTF-16, as AssemblyScript writes text) every other, zeros between. */
interface Run {
  /** Where it begins in the memory. */
  at: number;
  stride: 1 | 2;
  bytes: number[];
}

/** The length of text from which a run of its own is shorter. */
const LEAST_TEXT = 8;
const MOST_BYTES = 0xffff;

const ARRAY = /^static const u8 (data_segment_data_\w+)\[\] = \{([^}]*)\};\n/gm;
const LOAD = /^ {2}LOAD_DATA\(instance->w2c_memory, (\d+)u, (data_segment_data_\w+), (\d+)\);\n/gm;

/**
 * Packs the data segments of a module that wasm2c wrote as C. The compiler of the core leaves out each zero between two texts, and so makes 200 of
 * them, each copied by code of its own: 9 KB of it; and half of each text are zeros: another 3 to 4 KB.
 *
 * The records that `wasm_rt_unpack` reads: address u24, count u16, stride u8, the bytes.
 *
 * @param c what wasm2c wrote
 * @throws if a segment is not written as it is expected
 */
export function mergeSegments(c: string): string {
  const packed = readSegments(c).flatMap(splitText).flatMap(encode);
  let arrays = 0;
  let loads = 0;
  const array = `static const u8 packed_segments[] = {${packed.join(",")}};\n`;
  const load = "  wasm_rt_unpack(&instance->w2c_memory, packed_segments, sizeof packed_segments);\n";
  return c.replaceAll(ARRAY, () => (arrays++ === 0 ? array : "")).replaceAll(LOAD, () => (loads++ === 0 ? load : ""));
}

function readSegments(c: string): Run[] {
  const contents = new Map<string, number[]>();
  for (const [, name = "", list = ""] of c.matchAll(ARRAY)) {
    contents.set(
      name,
      Array.from(list.matchAll(/0x[0-9a-f]+/g), ([byte]) => Number(byte)),
    );
  }
  const segments = Array.from(c.matchAll(LOAD), ([, at, name = "", length]): Run => {
    const bytes = contents.get(name);
    if (bytes?.length !== Number(length)) throw new Error(`wasm2c wrote ${name} in an unknown way`);
    return { at: Number(at), stride: 1, bytes };
  });
  return joinClose(segments.toSorted((a, b) => a.at - b.at));
}

/** A few zeros between two are less than the head of a record. */
function joinClose(segments: readonly Run[]): Run[] {
  const joined: Run[] = [];
  for (const { at, bytes } of segments) {
    const last = joined.at(-1);
    const gap = last === undefined ? Infinity : at - (last.at + last.bytes.length);
    if (last === undefined || gap > 6) joined.push({ at, stride: 1, bytes: [...bytes] });
    else last.bytes.push(...Array.from({ length: gap }, () => 0), ...bytes);
  }
  return joined;
}

/** Cuts text out of a segment. */
function splitText({ at, bytes }: Run): Run[] {
  const runs: Run[] = [];
  let plain = 0;
  for (let i = 0; i < bytes.length;) {
    let end = i;
    while (end < bytes.length && bytes[end] !== 0 && (bytes[end + 1] ?? 0) === 0) end += 2;
    if (end - i < 2 * LEAST_TEXT) {
      i++;
      continue;
    }
    if (i > plain) runs.push({ at: at + plain, stride: 1, bytes: bytes.slice(plain, i) });
    runs.push({ at: at + i, stride: 2, bytes: bytes.slice(i, end).filter((_, index) => index % 2 === 0) });
    i = end;
    plain = end;
  }
  if (plain < bytes.length) runs.push({ at: at + plain, stride: 1, bytes: bytes.slice(plain) });
  return runs;
}

function encode({ at, stride, bytes }: Run): number[] {
  if (bytes.length > MOST_BYTES || at > 0xffffff) throw new Error(`a segment at ${at} is too large to be packed`);
  return [at & 255, (at >> 8) & 255, at >> 16, bytes.length & 255, bytes.length >> 8, stride, ...bytes];
}
