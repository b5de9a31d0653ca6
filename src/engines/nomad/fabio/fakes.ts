/** A route of Fabio's table. */
interface TableRoute {
  service: string;
  host: string;
  path: string;
}

/** Where the instance is, in Fabio's words. */
const TARGET = "http://127.0.0.1:20000/";
/** Its `parse_new.go`. */
const ROUTE_ADD =
  /^route\s+add\s+(\S+)\s+(\S+)\s+(\S+)(\s+weight\s+(\S+))?(\s+tags\s+"([^"]*)")?(\s+opts\s+"([^"]*)")?$/;
/** What `strconv.ParseFloat` reads, of decimals. */
const FLOAT = /^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?$/i;

/** The lines that Fabio makes of a service (its `registry/consul/routecmd.go`), for tests. */
export function routeCommands(service: string, tags: readonly string[]): string[] {
  const isRoute = (tag: string): boolean => tag.startsWith("urlprefix-");
  const plain = tags.filter((tag) => !isRoute(tag));
  return tags.filter(isRoute).map((tag) => {
    const text = tag.trim().slice("urlprefix-".length).trim();
    const space = text.indexOf(" ");
    const place = expand(space === -1 ? text : text.slice(0, space));
    let target = TARGET;
    let weight = "";
    const options: string[] = [];
    for (const word of (space === -1 ? "" : text.slice(space + 1)).split(/\s+/).filter((one) => one !== "")) {
      const [, code, url] = /^redirect=([^,]*),([^,]*)$/.exec(word) ?? [];
      if (word.startsWith("weight=")) weight = word.slice("weight=".length);
      else if (code !== undefined && url !== undefined) [target] = [url, options.push(`redirect=${code}`)];
      else options.push(word);
    }
    return [
      `route add ${service} ${place} ${target}`,
      weight === "" ? "" : ` weight ${weight}`,
      plain.length === 0 ? "" : ` tags ${quote(plain.join(","))}`,
      options.length === 0 ? "" : ` opts ${quote(options.join(" "))}`,
    ].join("");
  });
}

/** Fabio's table of these lines. Throws where Fabio would keep the table of before, or fail at every request. */
export function tableOf(lines: readonly string[]): TableRoute[] {
  return lines
    .join("\n")
    .split("\n")
    .map((line) => {
      if (line.length > 64 * 1024) throw new Error("a line that is too long");
      const [, service, place, target, , weight] = ROUTE_ADD.exec(line.trim()) ?? [];
      if (service === undefined || place === undefined || target === undefined)
        throw new Error(`syntax error: ${line}`);
      if (weight !== undefined && !(FLOAT.test(weight) && Number(weight) <= 1)) throw new Error(`weight: ${line}`);
      // Go's own reading of addresses is stricter here.
      if (!URL.canParse(target.replace("$host", "host").replace("$path", "/"))) throw new Error(`target: ${line}`);
      const slash = place.indexOf("/");
      const host = slash === -1 ? place : place.slice(0, slash);
      const path = slash === -1 ? "/" : place.slice(slash);
      if (/[[\]{}\\!?]/.test(host + path)) throw new Error(`glob: ${line}`);
      return { service, host: host.toLowerCase(), path };
    });
}

/** Go's `os.Expand`, with the datacenter as all that is known. */
function expand(text: string): string {
  return text.includes("/")
    ? text.replaceAll(/\$\{?(\w*)\}?/g, (_, name: string) => (name === "DC" ? "dc1" : ""))
    : text;
}

/** Go's `strconv.Quote`, as far as it matters. */
function quote(text: string): string {
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`).replaceAll(/\p{C}/gu, String.raw`\u0000`)}"`;
}
