import { toSteppeError } from "../../../shared/errors.ts";
import { Findings } from "./report.ts";

/** A registry, as far as the doctor asks it. */
export interface RepositoryLook {
  /** Whether there is such a repository; false as well if there is no image in it yet. Throws REGISTRY_UNREACHABLE, REGISTRY_DENIED, …. */
  has(repository: string, signal: AbortSignal): Promise<boolean>;
}

/** Looks at the repository of each app's images: that it can be reached and read from here, with the credentials that there are. */
export async function checkRegistries(
  apps: ReadonlyArray<{ app: string; repository: string }>,
  look: RepositoryLook,
  signal: AbortSignal,
): Promise<Findings> {
  const findings = new Findings("registries");
  const byRepository = new Map<string, string[]>();
  for (const { app, repository } of apps) byRepository.set(repository, [...(byRepository.get(repository) ?? []), app]);
  for (const [repository, names] of byRepository) {
    const of = `${repository}, of ${names.join(", ")}`;
    try {
      if (await look.has(repository, signal)) findings.ok(of);
      else findings.warn(`${of}: there is no image in it yet`, "The first deployment pushes one; or push a tag to it.");
    } catch (error) {
      signal.throwIfAborted();
      const { reason, hint } = toSteppeError(error, "ask", repository);
      findings.fail(`${of}: ${reason}`, hint);
    }
  }
  if (apps.length === 0) findings.ok("no app has an image of a registry yet");
  return findings;
}
