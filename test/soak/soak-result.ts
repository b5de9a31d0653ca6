/** What came of a soak. */
export interface SoakResult {
  /** What was done, for the line that is printed: `{ requests: 120000, deployments: 100 }`. */
  counts: Record<string, number>;
  /** What must not have happened and did; empty if all is well. */
  problems: string[];
  /** Why nothing was done: what it needs is not there. */
  skipped?: string;
}
