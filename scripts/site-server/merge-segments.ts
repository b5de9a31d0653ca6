/** Text of AssemblyScript: UTF-16, behind its length in bytes. Of what stands before that nobody reads anything. */
interface Text {
  /** Where the u32 of its length is. */
  at: number;
  /** Latin-1. */
  characters: number[];
}

/** Of the head of an object: https://www.assemblyscript.org/runtime.html#memory-layout */
const HEAD = 20;
const KIND_AT = 12;
const LENGTH_AT = 16;
const KIND_OF_TEXT = 2;

/** So many zeros end a run of bytes: fewer cost less than another run. */
const GAP = 3;
const FAR = 255;
const LONG = 127;
const IS_TEXT = 128;

const ARRAY = /^static const u8 (data_segment_data_\w+)\[\] = \{([^}]*)\};\n/gm;
const LOAD = /^ {2}LOAD_DATA\(instance->w2c_memory, (\d+)u, (data_segment_data_\w+), (\d+)\);\n/gm;

/**
 * Packs the data segments of a module that wasm2c wrote as C. They are texts mostly, of which AssemblyScript keeps five times as many bytes as they have letters; and
 * each of 200 segments would be copied by code of its own.
 *
 * The records that `wasm_rt_unpack` reads: how many bytes stay zero before it, u8 (255: the address follows instead, u24); how many bytes or letters follow, u8 (127:
 * u16), with 128 if they are letters; the bytes.
 *
 * @param c what wasm2c wrote
 * @throws if a segment is not written as it is expected
 */
export function mergeSegments(c: string): string {
  const packed = pack(readMemory(c));
  let arrays = 0;
  let loads = 0;
  const array = `static const u8 packed_segments[] = {${packed.join(",")}};\n`;
  const load = "  wasm_rt_unpack(&instance->w2c_memory, packed_segments, sizeof packed_segments);\n";
  return c.replaceAll(ARRAY, () => (arrays++ === 0 ? array : "")).replaceAll(LOAD, () => (loads++ === 0 ? load : ""));
}

/** The memory that the module starts with, up to the last byte that is not zero. */
function readMemory(c: string): Buffer {
  const contents = new Map<string, number[]>();
  for (const [, name = "", list = ""] of c.matchAll(ARRAY)) {
    contents.set(
      name,
      Array.from(list.matchAll(/0x[0-9a-f]+/g), ([byte]) => Number(byte)),
    );
  }
  const segments = Array.from(c.matchAll(LOAD), ([, at, name = "", length]) => {
    const bytes = contents.get(name);
    if (bytes?.length !== Number(length)) throw new Error(`wasm2c wrote ${name} in an unknown way`);
    return { at: Number(at), bytes };
  });
  const memory = Buffer.alloc(Math.max(...segments.map(({ at, bytes }) => at + bytes.length)));
  for (const { at, bytes } of segments) memory.set(bytes, at);
  return memory;
}

function pack(memory: Buffer): number[] {
  const packed: number[] = [];
  let end = 0;
  const add = (at: number, kind: number, bytes: readonly number[]): void => {
    const gap = at - end;
    packed.push(...(gap < FAR ? [gap] : [FAR, ...littleEndian(at, 3)]));
    packed.push(...(bytes.length < LONG ? [kind | bytes.length] : [kind | LONG, ...littleEndian(bytes.length, 2)]));
    packed.push(...bytes);
    end = at + (kind === IS_TEXT ? 4 + 2 * bytes.length : bytes.length);
  };
  for (let at = 0; at < memory.length;) {
    const text = textAt(memory, at);
    if (text !== undefined) {
      add(text.at, IS_TEXT, text.characters);
      at = end;
    } else if (memory[at] === 0) {
      at++;
    } else {
      const stop = endOfRun(memory, at);
      add(at, 0, [...memory.subarray(at, stop)]);
      at = stop;
    }
  }
  return packed;
}

/** A text whose object begins here, if one does. */
function textAt(memory: Buffer, at: number): Text | undefined {
  if (at + HEAD > memory.length || memory.readUInt32LE(at + KIND_AT) !== KIND_OF_TEXT) return undefined;
  const bytes = memory.readUInt32LE(at + LENGTH_AT);
  // The size of its block goes before it, and two words for a garbage collector, which there is none of.
  if (memory.readUInt32LE(at) !== ((bytes + HEAD + 15) & ~15) - 4 || memory.readBigUInt64LE(at + 4) !== 0n)
    return undefined;
  const characters: number[] = [];
  for (let i = 0; i < bytes; i += 2) {
    // The zero behind the last letter may be left out of its segment.
    if ((memory[at + HEAD + i + 1] ?? 0) !== 0) return undefined;
    characters.push(memory[at + HEAD + i] ?? 0);
  }
  return bytes === 0 ? undefined : { at: at + LENGTH_AT, characters };
}

function endOfRun(memory: Buffer, at: number): number {
  let end = at;
  for (let i = at; i < memory.length && i - end < GAP && textAt(memory, i) === undefined; i++) {
    if (memory[i] !== 0) end = i + 1;
  }
  return end;
}

function littleEndian(value: number, bytes: number): number[] {
  if (value >= 256 ** bytes) throw new Error(`${value} is too large for a record of ${bytes} bytes`);
  return Array.from({ length: bytes }, (_, i) => (value >> (8 * i)) & 255);
}
