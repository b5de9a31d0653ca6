import { createPrivateKey, X509Certificate } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { errno } from "../errors.ts";
import { environmentError } from "./environment.ts";

/** What the environment says of TLS; files are named by their paths. */
export interface TlsFiles {
  /** Certificates of authorities, PEM. In place of those that are trusted anyway, as Consul and Nomad have it. */
  caFile?: string | undefined;
  /** A folder of such files; `caFile` comes before it. */
  caFolder?: string | undefined;
  /** Our own certificate and key, PEM, for servers that ask for one; both or none. */
  certFile?: string | undefined;
  keyFile?: string | undefined;
  /** The name that the server's certificate is for, if it is not that of its address. */
  serverName?: string | undefined;
  /** False trusts any certificate. */
  verify: boolean;
}

/** How the variables are called, for errors. */
export type TlsNames = Readonly<Record<"caFile" | "caFolder" | "certFile" | "keyFile", string>>;

/** As `node:tls` takes it. */
export interface TlsMaterial {
  ca?: string[];
  cert?: string;
  key?: string;
  servername?: string;
  rejectUnauthorized?: false;
}

/** Reads the files. Throws ENVIRONMENT_INVALID, which names the variable. */
export function readTlsFiles(files: TlsFiles, names: TlsNames): TlsMaterial {
  const ca = authorities(files, names);
  return {
    ...(ca === undefined ? {} : { ca }),
    ...ownCertificate(files, names),
    ...(files.serverName === undefined ? {} : { servername: files.serverName }),
    ...(files.verify ? {} : { rejectUnauthorized: false }),
  };
}

/** That a certificate and its key go together is known before any file is read. Throws ENVIRONMENT_INVALID. */
export function checkTlsFiles({ certFile, keyFile }: TlsFiles, names: TlsNames): void {
  if ((certFile === undefined) === (keyFile === undefined)) return;
  const [missing, given] =
    certFile === undefined ? (["certFile", "keyFile"] as const) : (["keyFile", "certFile"] as const);
  throw environmentError(names[missing], `it is not set, and ${names[given]} is`, "Set both, or none.");
}

function authorities({ caFile, caFolder }: TlsFiles, names: TlsNames): string[] | undefined {
  if (caFile !== undefined) return [certificatesOf(caFile, names.caFile)];
  if (caFolder === undefined) return undefined;
  const found = filesIn(caFolder, names.caFolder).map((path) => certificatesOf(path, names.caFolder));
  if (found.length === 0) throw environmentError(names.caFolder, `there are no certificates in ${caFolder}`);
  return found;
}

function ownCertificate({ certFile, keyFile }: TlsFiles, names: TlsNames): Pick<TlsMaterial, "cert" | "key"> {
  if (certFile === undefined || keyFile === undefined) return {};
  const cert = certificatesOf(certFile, names.certFile);
  const key = textOfFile(keyFile, names.keyFile);
  const privateKey = parsed(() => createPrivateKey(key), names.keyFile, `${keyFile} is no private key`);
  if (!new X509Certificate(cert).checkPrivateKey(privateKey)) {
    throw environmentError(names.keyFile, `${keyFile} is not the key of ${certFile}`);
  }
  return { cert, key };
}

function certificatesOf(path: string, name: string): string {
  const text = textOfFile(path, name);
  parsed(() => new X509Certificate(text), name, `${path} is no certificate in PEM`);
  return text;
}

function parsed<Value>(parse: () => Value, name: string, cause: string): Value {
  try {
    return parse();
  } catch (error) {
    throw environmentError(name, cause, undefined, error);
  }
}

function textOfFile(path: string, name: string): string {
  return reading(path, name, () => readFileSync(path, "utf8"));
}

function filesIn(folder: string, name: string): string[] {
  const entries = reading(folder, name, () => readdirSync(folder, { withFileTypes: true }));
  const files = entries.filter((entry) => !entry.isDirectory()).map((entry) => join(folder, entry.name));
  return files.sort();
}

function reading<Value>(path: string, name: string, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    throw environmentError(name, `${path} cannot be read (${errno(error) ?? String(error)})`, undefined, error);
  }
}
