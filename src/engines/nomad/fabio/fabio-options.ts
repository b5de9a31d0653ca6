import { isIP } from "node:net";

/** A rule for the value of an option. */
interface OptionRule {
  takes(value: string): boolean;
  /** What it is, for a person: "`name` is …". */
  is: string;
}

/** Of the visitor's request: Fabio puts them in. */
const REDIRECT =
  /^3[0-9][0-9],https?:\/\/(\$host|[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*)(:[0-9]{1,5})?(\/[A-Za-z0-9\-._~/+;=:@&()]*)?(\$path)?(\?[A-Za-z0-9\-._~/+;=:@&()]*)?$/;

/**
 * The options of Fabio 1.6, and which values of each do no harm. A weight that is no number, or the address of a redirect that does not parse, stops all of Fabio's routes from
 * changing; weights that are infinite or sum up to that make it fail; a rule of access that it cannot read it leaves out, and lets everybody in.
 * https://fabiolb.net/ref/
 */
export const fabioOptions: ReadonlyMap<string, OptionRule> = new Map([
  ["weight", pattern(/^(0(\.[0-9]{1,4})?|1(\.0{1,4})?)$/, "a share from 0 to 1, such as `weight=0.25`")],
  ["proto", pattern(/^(http|https|tcp|grpc|grpcs)$/, "`http`, `https`, `tcp`, `grpc` or `grpcs`")],
  ["strip", pattern(/^\/[A-Za-z0-9\-._~/+,;=:@&()]*$/, "a path")],
  ["prepend", pattern(/^\/[A-Za-z0-9\-._~/+,;=:@&()]*$/, "a path")],
  ["host", pattern(/^[A-Za-z0-9._-]+(:[0-9]{1,5})?$/, "a host name, or `dst`")],
  ["grpcservername", pattern(/^[A-Za-z0-9._-]+$/, "a host name")],
  ["redirect", pattern(REDIRECT, "a status and an address, such as `redirect=301,https://www.example.com$path`")],
  ["tlsskipverify", pattern(/^(true|false)$/, "`true` or `false`")],
  ["pxyproto", pattern(/^(true|false)$/, "`true` or `false`")],
  ["register", pattern(/^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/, "the name of a service")],
  ["auth", pattern(/^[A-Za-z0-9_.-]+$/, "the name of a scheme of Fabio's `proxy.auth`")],
  ["allow", { takes: areNetworks, is: "`ip:` and an address or a network, or several of them with commas" }],
  ["deny", { takes: areNetworks, is: "`ip:` and an address or a network, or several of them with commas" }],
]);

function pattern(regularExpression: RegExp, is: string): OptionRule {
  return { takes: (value) => regularExpression.test(value), is };
}

function areNetworks(value: string): boolean {
  return value.split(",").every((item) => item.startsWith("ip:") && isNetwork(item.slice("ip:".length)));
}

/** As Go reads it: no zone, and the length of a network without a sign or zeros before it. */
function isNetwork(text: string): boolean {
  const [address = "", length, ...rest] = text.split("/");
  const version = isIP(address);
  if (version === 0 || address.includes("%") || rest.length > 0) return false;
  if (length === undefined) return true;
  return /^(0|[1-9][0-9]{0,2})$/.test(length) && Number(length) <= (version === 4 ? 32 : 128);
}
