import { AppTable, ReleaseTable, type Store } from "../../store/index.ts";
import { releaseTag } from "./release-tag.ts";

/** The tag that the content of what is live came from; null if nothing is live, or it came from none. */
export function liveTag(app: string, store: Store): string | null {
  const number = new AppTable(store).get(app)?.liveRelease ?? null;
  const release = number === null ? undefined : new ReleaseTable(store).get(app, number);
  return release === undefined ? null : releaseTag(release);
}
