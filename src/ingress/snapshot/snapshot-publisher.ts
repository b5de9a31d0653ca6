import type { Snapshot } from "./snapshot.ts";

/** What to ask of a staged or current release, through the code that answers visitors. */
export interface ProbeRequest {
  app: string;
  release: number;
  /** With its leading slash; may have a query. */
  path: string;
  /** The host that the visitor would name. */
  host: string;
  /** A text to look for in the body, or null. Looked for in the first MiB. */
  contains: string | null;
  /** Milliseconds for the answer. */
  timeoutMs: number;
}

export interface ProbeAnswer {
  /** Which process answered. */
  process: string;
  status: number;
  headers: Record<string, string | number>;
  /** The first 2 KiB of the body. */
  head: string;
  /** Whether the text was in the body; true if none was asked for. */
  contained: boolean;
}

/** Hands snapshots to the ingress processes. Implemented by the ingress, used by whoever changes what is served. */
export interface SnapshotPublisher {
  /** What serves. Not to be changed. */
  current(): Snapshot;

  /**
   * Changes what is served. Updates run one after another: `mutate` gets a copy of the current snapshot and changes it. A
   * change that changes nothing is not published. Resolves when the new snapshot is on disk and every living process serves it;
   * rejects, with nothing changed, if `mutate` throws or a process cannot serve it.
   *
   * First every process loads the new releases, and only then the first of them switches: no visitor gets a
   * page from one whose files another does not know.
   */
  update(mutate: (draft: Snapshot) => void): Promise<Snapshot>;

  /**
   * Asks every living process. Rejects with INGRESS_UNAVAILABLE if none is alive within the time, and with the system's words if one
   * does not answer.
   */
  probe(request: ProbeRequest): Promise<ProbeAnswer[]>;
}
