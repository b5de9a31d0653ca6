import type { ReleaseSpec } from "../engine.ts";
import type { ProbeAnswer, SnapshotPublisher } from "../../ingress/snapshot/index.ts";
import { SteppeError } from "../../shared/errors.ts";

/** Asks every ingress process for the check's path, through the placed release. Throws CHECK_FAILED, with the answer that came. */
export async function checkRelease(release: ReleaseSpec, publisher: SnapshotPublisher): Promise<void> {
  const { check, domains, name } = release.definition;
  const request = {
    app: release.app,
    release: release.number,
    path: check.path,
    host: domains.find((domain) => !domain.startsWith("*")) ?? `${name}.localhost`,
    contains: check.contains,
    timeoutMs: check.timeoutMs,
  };
  let answers: ProbeAnswer[];
  try {
    answers = await publisher.probe(request);
  } catch (error) {
    if (error instanceof SteppeError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw failed(release, `GET ${check.path} was not answered: ${reason}`, undefined, error);
  }
  for (const answer of answers) {
    const cause = complaint(release, answer);
    if (cause !== undefined) throw failed(release, cause, answer.head);
  }
}

function complaint({ definition: { check } }: ReleaseSpec, answer: ProbeAnswer): string | undefined {
  const [lowest, highest] = check.status;
  if (answer.status < lowest || answer.status > highest) {
    const expected = lowest === highest ? `${lowest}` : `${lowest}–${highest}`;
    return `GET ${check.path} answered ${answer.status}, expected ${expected}`;
  }
  if (!answer.contained)
    return `GET ${check.path} answered ${answer.status} without the text ${JSON.stringify(check.contains)}`;
  return undefined;
}

function failed(release: ReleaseSpec, cause: string, body?: string, error?: unknown): SteppeError {
  const parts = {
    operation: "check",
    subject: `${release.app}, release ${release.number}`,
    cause,
    detail: body || undefined,
  };
  return new SteppeError("CHECK_FAILED", parts, { cause: error });
}
