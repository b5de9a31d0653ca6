import { resolve } from "node:path";
import { withoutSecrets } from "../shared/without-secrets.ts";
import type { UpOption } from "./up-options.ts";
import { upUsage } from "./up-usage.ts";

/** What `steppe up --engine nomad` was told of the cluster. How Nomad and Consul are reached is said by their own variables of the environment. */
export interface ClusterOptions {
  /** Nomad's datacenters that instances may be in; empty: all that have nodes. */
  datacenters: string[];
  /** Where the APIs of Fabio's instances are; empty: where Consul says. */
  fabio: string[];
  /** What Fabio's tags begin with, or null: as Fabio has it by itself. */
  tagPrefix: string | null;
  /** What sites are put on: a reference of an image, or `oci:` and the absolute path of a layout; null: what this package has built. */
  siteBase: string | null;
}

const LAYOUT = "oci:";

export const clusterOptions: readonly UpOption[] = [
  {
    name: "datacenter",
    value: "NAME",
    description: "a datacenter of Nomad for instances; several times for more (default: all that have nodes)",
    isList: true,
    engine: "nomad",
  },
  {
    name: "fabio",
    value: "URL",
    description: "where Fabio's API is; several times for more of them (default: where Consul says)",
    isList: true,
    engine: "nomad",
  },
  {
    name: "tag-prefix",
    value: "TEXT",
    description: "what Fabio's tags begin with (default: urlprefix-)",
    engine: "nomad",
  },
  {
    name: "site-base",
    value: "IMAGE",
    description: "what sites are put on: a reference, or `oci:FOLDER` (default: what `npm run build:site-server` made)",
    engine: "nomad",
  },
];

/** Throws USAGE. */
export function readClusterOptions(
  given: Readonly<Record<string, string | boolean | undefined>>,
  cwd: string,
): ClusterOptions {
  const text = (name: string): string | undefined => {
    const value = given[name];
    if (value === "") throw upUsage(`--${name} is empty`);
    return typeof value === "string" ? value : undefined;
  };
  const list = (name: string): string[] => text(name)?.split(",") ?? [];
  return {
    datacenters: list("datacenter").map(readDatacenter),
    fabio: list("fabio").map(readAddress),
    tagPrefix: readPrefix(text("tag-prefix")),
    siteBase: readBase(text("site-base"), cwd),
  };
}

/** Newer versions of Nomad take patterns. */
function readDatacenter(text: string): string {
  if (/^[A-Za-z0-9_.*-]{1,128}$/.test(text)) return text;
  throw upUsage(`--datacenter ${JSON.stringify(text)} is no name of a datacenter`);
}

function readAddress(text: string): string {
  const url = URL.parse(text);
  const isBare = url !== null && url.pathname === "/" && url.search === "" && url.hash === "" && url.username === "";
  if (isBare && /^https?:$/.test(url.protocol)) return url.origin;
  throw upUsage(`--fabio ${JSON.stringify(withoutSecrets(text))} is no address like http://10.0.0.1:9998`);
}

function readPrefix(text: string | undefined): string | null {
  if (text === undefined) return null;
  if (/^[\w./:-]{1,64}$/.test(text)) return text;
  throw upUsage(`--tag-prefix ${JSON.stringify(text)} is not 1 to 64 letters, digits and any of "_./:-"`);
}

function readBase(text: string | undefined, cwd: string): string | null {
  if (text === undefined) return null;
  return text.startsWith(LAYOUT) ? LAYOUT + resolve(cwd, text.slice(LAYOUT.length)) : text;
}
