const HEADER_BYTES = 64;
const PROGRAM_AT = 32;
const SECTIONS_AT = 40;
const PROGRAM_SIZE_AT = 54;
const PROGRAM_COUNT_AT = 56;
const SECTION_COUNT_AT = 60;
const SECTION_NAMES_AT = 62;

const FILE_OFFSET_AT = 8;
const FILE_BYTES_AT = 32;

/**
 * Cuts off the table of sections of a program, and whatever else is not loaded when it runs: 1 KB. It is for linkers and debuggers.
 *
 * @param program ELF of 64 bits, little-endian: https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html
 * @throws if it is none
 */
export function cutSections(program: Buffer): Buffer {
  if (program.toString("latin1", 0, 6) !== "\x7fELF\x02\x01") throw new Error("the linker wrote no ELF of 64 bits");
  const first = Number(program.readBigUInt64LE(PROGRAM_AT));
  const size = program.readUInt16LE(PROGRAM_SIZE_AT);
  let end = HEADER_BYTES;
  for (let i = 0; i < program.readUInt16LE(PROGRAM_COUNT_AT); i++) {
    const at = first + i * size;
    const offset = Number(program.readBigUInt64LE(at + FILE_OFFSET_AT));
    end = Math.max(end, at + size, offset + Number(program.readBigUInt64LE(at + FILE_BYTES_AT)));
  }
  const cut = Buffer.from(program.subarray(0, end));
  cut.writeBigUInt64LE(0n, SECTIONS_AT);
  cut.writeUInt16LE(0, SECTION_COUNT_AT);
  cut.writeUInt16LE(0, SECTION_NAMES_AT);
  return cut;
}
