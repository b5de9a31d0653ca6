import { SITE_AT_RULES } from "../layout";

/**
 * Whether the rules of a site index are such that nothing above reads outside of them.
 *
 * @param site the address of the block, whose header has been found to be whole and its part `rules` to lie inside of it
 */
export function checkRules(site: u32): bool {
  return load<u32>(site + SITE_AT_RULES) === 0;
}
