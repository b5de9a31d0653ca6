import { createHash, createPublicKey, type KeyObject, randomBytes, sign } from "node:crypto";
import { isIP } from "node:net";
import {
  bitString,
  boolean,
  explicit,
  implicit,
  octetString,
  oid,
  sequence,
  set,
  time,
  unsigned,
  utf8String,
} from "./der.ts";

/** What a certificate shall say. https://www.rfc-editor.org/rfc/rfc5280#section-4.1 */
export interface CertificateContent {
  /** The common name, at most 64 characters; null for none. */
  subject: string | null;
  /** The common name of who signs. */
  issuer: string;
  subjectKey: KeyObject;
  /** Milliseconds since 1970. */
  notBefore: number;
  notAfter: number;
  /** Of a site: its host names and addresses. Of a CA: none. */
  names: readonly string[];
  isCa: boolean;
}

const ECDSA_WITH_SHA256 = sequence(oid("1.2.840.10045.4.3.2"));
const COMMON_NAME = oid("2.5.4.3");
const SUBJECT_KEY_ID = oid("2.5.29.14");
const KEY_USAGE = oid("2.5.29.15");
const SUBJECT_ALT_NAME = oid("2.5.29.17");
const BASIC_CONSTRAINTS = oid("2.5.29.19");
const AUTHORITY_KEY_ID = oid("2.5.29.35");
const EXTENDED_KEY_USAGE = oid("2.5.29.37");
const SERVER_AUTH = oid("1.3.6.1.5.5.7.3.1");

/** https://www.rfc-editor.org/rfc/rfc5280#appendix-A.1: ub-common-name */
export const MOST_COMMON_NAME = 64;

/**
 * Makes a certificate, version 3, signed with ECDSA and SHA-256.
 *
 * @param signer the private key, on P-256, of who signs
 * @returns PEM
 */
export function signCertificate(content: CertificateContent, signer: KeyObject): string {
  const signerKey = createPublicKey(signer);
  const tbs = sequence(
    explicit(0, unsigned(Buffer.of(2))),
    unsigned(randomSerial()),
    ECDSA_WITH_SHA256,
    name(content.issuer),
    sequence(time(content.notBefore), time(content.notAfter)),
    name(content.subject),
    spki(content.subjectKey),
    explicit(3, sequence(...extensions(content, signerKey))),
  );
  const certificate = sequence(tbs, ECDSA_WITH_SHA256, bitString(sign("sha256", tbs, signer)));
  const lines = certificate.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

function extensions({ isCa, names, subject, subjectKey }: CertificateContent, signerKey: KeyObject): Buffer[] {
  const both = [
    extension(SUBJECT_KEY_ID, false, octetString(keyId(subjectKey))),
    extension(AUTHORITY_KEY_ID, false, sequence(implicit(0, keyId(signerKey)))),
  ];
  if (isCa) {
    return [
      // A CA that signs no other CAs.
      extension(BASIC_CONSTRAINTS, true, sequence(boolean(true), unsigned(Buffer.of(0)))),
      extension(KEY_USAGE, true, bitString(Buffer.of(0b0000_0110), 1)), // keyCertSign, cRLSign
      ...both,
    ];
  }
  return [
    extension(BASIC_CONSTRAINTS, true, sequence()),
    extension(KEY_USAGE, true, bitString(Buffer.of(0b1000_0000), 7)), // digitalSignature
    extension(EXTENDED_KEY_USAGE, false, sequence(SERVER_AUTH)),
    // Critical where there is no other name: https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.6
    extension(SUBJECT_ALT_NAME, subject === null, sequence(...names.map(generalName))),
    ...both,
  ];
}

function extension(id: Buffer, isCritical: boolean, value: Buffer): Buffer {
  return sequence(id, isCritical ? boolean(true) : Buffer.alloc(0), octetString(value));
}

function name(commonName: string | null): Buffer {
  if (commonName === null) return sequence();
  return sequence(set(sequence(COMMON_NAME, utf8String(commonName))));
}

/** dNSName or iPAddress: https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.6 */
function generalName(value: string): Buffer {
  switch (isIP(value)) {
    case 4:
      return implicit(7, Buffer.from(value.split(".").map(Number)));
    case 6:
      return implicit(7, ipv6Bytes(value));
    default:
      return implicit(2, Buffer.from(value, "latin1"));
  }
}

function ipv6Bytes(address: string): Buffer {
  // The URL parser knows the short forms, and writes none but `::`.
  const [head = "", tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const groups = (text: string | undefined): number[] =>
    text === undefined || text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
  const [before, after] = [groups(head), groups(tail)];
  const all = [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

function spki(key: KeyObject): Buffer {
  return key.export({ type: "spki", format: "der" });
}

/**
 * SHA-1 of the public key, as in https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.2 (1): a name, no protection. An
 * uncompressed point of P-256 is the last 65 bytes of its SubjectPublicKeyInfo.
 */
export function keyId(key: KeyObject): Buffer {
  return createHash("sha1").update(spki(key).subarray(-65)).digest();
}

/** 127 random bits, never zero: https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.2 */
function randomSerial(): Buffer {
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return serial;
}
