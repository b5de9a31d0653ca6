import { isRouteTag, URL_PREFIX } from "./read-route-tag.ts";

const NUMBER = /^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]{1,2})?$/i;
/** Sums of more go wrong somewhere. */
const MOST_WEIGHT = 1e6;
/** What Go reads as an address whatever Fabio puts in for `$host` and `$path`. */
const ADDRESS = /^https?:\/\/[A-Za-z0-9.$_-]*(:[0-9]*)?([/?#][^%[\]]*)?$/;

/**
 * Whether a tag of a service that has a route stops all of Fabio's routes from changing, or makes the requests of everybody fail. Another one that is refused does something else than
 * it seems, to visitors of its own service. In doubt it does stop them.
 */
export function stopsFabio(tag: string, prefix = URL_PREFIX): boolean {
  if (tag.includes('"')) return true;
  if (!isRouteTag(tag, prefix)) return false;
  const text = tag.trim().slice(prefix.length).trim();
  const [place = "", ...options] = text.split(" ");
  // What is left of one that Fabio fills in may be nothing, or anything.
  if (place === "" || /[\s[\]{}\\!?]/.test(place)) return true;
  return options
    .join(" ")
    .split(/\s+/)
    .some((option) => isBadWeight(option) || isBadRedirect(option));
}

function isBadWeight(option: string): boolean {
  const [, value = ""] = /^weight=(.*)$/s.exec(option) ?? [];
  return value !== "" && !(NUMBER.test(value) && Math.abs(Number(value)) <= MOST_WEIGHT);
}

/** One of more or fewer parts is passed over. */
function isBadRedirect(option: string): boolean {
  const [, address] = /^redirect=[^,]*,([^,]*)$/s.exec(option) ?? [];
  return address !== undefined && !ADDRESS.test(address);
}
