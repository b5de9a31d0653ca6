import { parseNextLink } from "./header-fields.ts";
import { parseObject } from "./json-document.ts";
import { nonsense } from "./registry-errors.ts";
import type { RegistrySession } from "./registry-session.ts";
import { repositoryScope } from "./scopes.ts";

const PAGE_TAGS = 1000;
const MOST_PAGE_BYTES = 4 * 1024 * 1024;
/** A registry that always has one more page does not hold us for ever. */
const MOST_PAGES = 1000;

/**
 * All tags of a repository, page by page, in the registry's order.
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-tags
 * Throws IMAGE_NOT_FOUND if there is no such repository; what requests throw.
 */
export async function* listTags(
  session: RegistrySession,
  { registry, repository }: { registry: string; repository: string },
  { signal }: { signal?: AbortSignal | undefined } = {},
): AsyncGenerator<string, void, void> {
  const purpose = { operation: "list the tags of", subject: `${registry}/${repository}` };
  let target: string | URL = `/v2/${repository}/tags/list?n=${PAGE_TAGS}`;
  for (let page = 1; page <= MOST_PAGES; page++) {
    const scopes = [repositoryScope(repository, "pull")];
    const request = { method: "GET" as const, target, scopes, purpose, repeatable: true, expect: [200], signal };
    const { answer, content } = await session.read(request, MOST_PAGE_BYTES);
    const tags = parseObject(content)?.["tags"] ?? [];
    if (!Array.isArray(tags) || !tags.every((tag) => typeof tag === "string")) {
      throw nonsense(purpose, registry, "its answer is no list of tags");
    }
    yield* tags;
    const next = parseNextLink(answer.field("link"));
    if (next === undefined) return;
    target = session.address(next, answer.url, purpose);
  }
  throw nonsense(purpose, registry, `its list of tags has more than ${MOST_PAGES} pages`);
}
