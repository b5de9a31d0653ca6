import { type AppDefinition, parseWindow } from "../../config/index.ts";
import { nextOpening } from "./next-opening.ts";

/** Why a deployment that came by itself waits, though its turn has come. */
export type Hold =
  /** The app is paused, since when (milliseconds since 1970) and with what for. */
  | { kind: "paused"; since: number; reason: string | null }
  /** A person has to approve it. */
  | { kind: "approval" }
  /** No window of the app is open; when the next one opens (milliseconds since 1970), and the time zone of that one. */
  | { kind: "window"; opensAt: number; zone: string }
  /** Its instances are healthy beside those that serve, and a person has to promote them; or, not begun, it waits until that is decided of another one. */
  | { kind: "promotion"; of?: number }
  | AwayHold;

/**
 * The registry that its image is pulled from, or pushed to, or the cluster that is to run it, was away: when that is tried again (milliseconds since 1970), and what was
 * wrong.
 */
export interface AwayHold {
  kind: "registry" | "cluster";
  retryAt: number;
  cause: string;
}

interface Subject {
  /** Whether nobody asked for it: a tag was pushed, or found. What a person asked for is never held. */
  byItself: boolean;
  /** When a person approved it; null if nobody did. */
  approvedAt: number | null;
}

interface AppState {
  definition: Pick<AppDefinition, "policy">;
  paused: { since: number; reason: string | null } | null;
}

/** So long after which windows that do not open are looked at again. */
const LOOK_AGAIN_MS = 24 * 60 * 60_000;

/**
 * What a deployment has to wait for now, or null: it may go on.
 *
 * @param away what it waits for if for nothing else
 */
export function holdOf(subject: Subject, app: AppState, now: number, away: AwayHold | null = null): Hold | null {
  if (!subject.byItself) return null;
  if (app.paused !== null) return { kind: "paused", ...app.paused };
  if (needsApproval(subject, app)) return { kind: "approval" };
  return windowOf(app, now) ?? away;
}

function windowOf(app: AppState, now: number): Hold | null {
  const windows = app.definition.policy.windows.flatMap((text) => {
    const parsed = parseWindow(text);
    return "value" in parsed ? [parsed.value] : [];
  });
  if (app.definition.policy.windows.length === 0) return null;
  const { at, zone } = nextOpening(windows, now) ?? { at: now + LOOK_AGAIN_MS, zone: "UTC" };
  return at <= now ? null : { kind: "window", opensAt: at, zone };
}

/** Whether a person has to approve it, whatever else it waits for. */
export function needsApproval(
  { byItself, approvedAt }: Subject,
  { definition }: Pick<AppState, "definition">,
): boolean {
  return byItself && definition.policy.approve && approvedAt === null;
}

/** For people: what it waits for, and what to do. */
export function describeHold(hold: Hold, app: string): string {
  switch (hold.kind) {
    case "paused": {
      const why = hold.reason === null ? "" : ` (${hold.reason})`;
      return `waits: ${app} is paused${why}; \`steppe resume ${app}\` ends that`;
    }
    case "approval":
      return `waits for approval: \`steppe approve ${app}\`, or \`steppe approve ${app} --reject\``;
    case "window":
      return `waits for the next window, which opens on ${formatOpening(hold)}`;
    case "promotion":
      return hold.of === undefined
        ? `waits for promotion, its canaries are healthy: ${promoting(app)}`
        : `waits for deployment ${hold.of}, which waits for promotion: ${promoting(app)}`;
    case "registry":
    case "cluster":
      return `waits for the ${hold.kind} (${hold.cause}); tried again at ${formatTime(hold.retryAt)}`;
  }
}

function promoting(app: string): string {
  return `\`steppe promote ${app}\`, or \`steppe promote ${app} --reject\``;
}

/** `09:00:30 UTC` */
function formatTime(time: number): string {
  return `${new Date(time).toISOString().slice(11, 19)} UTC`;
}

/** `Monday 30 November 2026 at 09:00, Europe/London`. */
function formatOpening({ opensAt, zone }: { opensAt: number; zone: string }): string {
  const format = new Intl.DateTimeFormat("en-GB", { timeZone: zone, dateStyle: "full", timeStyle: "short" });
  return `${format.format(opensAt)}, ${zone}`;
}
