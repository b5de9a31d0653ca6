const BLOCK = 512;
const NAME_BYTES = 100;
const PREFIX_BYTES = 155;
/** The most that eleven octal digits hold. */
const MAX_OCTAL_SIZE = 8 ** 11 - 1;
const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;

/** Ends an archive. */
export const TAR_END = Buffer.alloc(2 * BLOCK);

/** How many zeros follow a content of this size. */
export function tarPadding(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

/**
 * The header of a plain file (0644, a program 0755) or a folder (0755, its name ending in `/`), owned by root, of the year 1970: the same bytes for
 * the same name and size, always. ustar; with a PAX extended header before it if the name is not ASCII, or does not fit, or the size does not.
 * https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_06
 */
export function tarHeader(name: string, size: number, { program = false } = {}): Buffer {
  const type = name.endsWith("/") ? "5" : program ? "program" : "0";
  const split = PRINTABLE_ASCII.test(name) ? splitName(name) : undefined;
  if (split !== undefined && size <= MAX_OCTAL_SIZE) return ustar(split.name, split.prefix, size, type);
  const records = [
    ...(split === undefined ? [paxRecord("path", name)] : []),
    ...(size > MAX_OCTAL_SIZE ? [paxRecord("size", String(size))] : []),
  ];
  const pax = Buffer.concat(records);
  const stand = split ?? { name: standInName(name), prefix: "" };
  return Buffer.concat([
    ustar("PaxHeader", "", pax.length, "x"),
    pax,
    Buffer.alloc(tarPadding(pax.length)),
    ustar(stand.name, stand.prefix, Math.min(size, MAX_OCTAL_SIZE), type),
  ]);
}

/** The folders above a file that were not in the archive yet, outermost first; adds them to `known`. */
export function missingFolders(name: string, known: Set<string>): string[] {
  const missing: string[] = [];
  for (let end = name.lastIndexOf("/"); end > 0; end = name.lastIndexOf("/", end - 1)) {
    const folder = name.slice(0, end + 1);
    if (known.has(folder)) break;
    known.add(folder);
    missing.unshift(folder);
  }
  return missing;
}

/** How `name` fits into the two fields of ustar, if it does: cut at a slash, which neither keeps. */
function splitName(name: string): { name: string; prefix: string } | undefined {
  if (name.length <= NAME_BYTES) return { name, prefix: "" };
  const cut = name.indexOf("/", name.length - NAME_BYTES - 1);
  if (cut <= 0 || cut > PREFIX_BYTES || cut === name.length - 1) return undefined;
  return { name: name.slice(cut + 1), prefix: name.slice(0, cut) };
}

/** What a reader that does not know PAX would see. */
function standInName(name: string): string {
  const folder = name.endsWith("/");
  const plain = name.replaceAll(/[^\x20-\x7e]/g, "_").slice(0, NAME_BYTES - 1);
  return folder && !plain.endsWith("/") ? `${plain}/` : plain;
}

/** `LENGTH KEY=VALUE\n`, the length counting itself. */
function paxRecord(key: string, value: string): Buffer {
  const rest = Buffer.from(` ${key}=${value}\n`);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

const templates = {
  "0": template("0", 0o644),
  program: template("0", 0o755),
  "5": template("5", 0o755),
  x: template("x", 0o644),
};

function ustar(name: string, prefix: string, size: number, type: keyof typeof templates): Buffer {
  const { bytes, sum } = templates[type];
  const header = Buffer.allocUnsafe(BLOCK);
  bytes.copy(header);
  header.write(name, 0, "latin1");
  header.write(size.toString(8).padStart(11, "0"), 124, "latin1");
  if (prefix !== "") header.write(prefix, 345, "latin1");
  let checksum = sum;
  for (let i = 0; i < name.length; i++) checksum += name.charCodeAt(i);
  for (let i = 124; i < 135; i++) checksum += header[i] ?? 0;
  for (let i = 0; i < prefix.length; i++) checksum += prefix.charCodeAt(i);
  header.write(`${checksum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return header;
}

/** All of a header but name, prefix, size and checksum, and the sum of its bytes with the checksum taken as spaces. */
function template(type: string, mode: number): { bytes: Buffer; sum: number } {
  const bytes = Buffer.alloc(BLOCK);
  bytes.write(`${mode.toString(8).padStart(7, "0")}\0`, 100, "latin1");
  bytes.write("0000000\0", 108, "latin1"); // uid
  bytes.write("0000000\0", 116, "latin1"); // gid
  bytes.write("00000000000\0", 136, "latin1"); // mtime
  bytes.write("        ", 148, "latin1");
  bytes.write(type, 156, "latin1");
  bytes.write("ustar\u000000", 257, "latin1");
  bytes.write("0000000\0", 329, "latin1"); // device numbers
  bytes.write("0000000\0", 337, "latin1");
  return { bytes, sum: bytes.reduce((total, byte) => total + byte, 0) };
}
