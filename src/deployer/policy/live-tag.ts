import { AppTable, ReleaseTable, type Store } from "../../store/index.ts";

/** The tag that the content of what is live came from, or null: nothing is live, or it came from a branch or a folder. */
export function liveTag(app: string, store: Store): string | null {
  const number = new AppTable(store).get(app)?.liveRelease ?? null;
  const ref = number === null ? null : (new ReleaseTable(store).get(app, number)?.ref ?? null);
  return ref?.startsWith("refs/tags/") === true ? ref.slice("refs/tags/".length) : null;
}
