import type { Clock } from "../../../shared/clock.ts";
import { SteppeError, toSteppeError } from "../../../shared/errors.ts";
import { Semaphore } from "../../../shared/semaphore.ts";
import { type DoctorCheck, Findings } from "./report.ts";

/** A registry, as far as the doctor asks it. */
export interface RepositoryLook {
  /** Whether there is such a repository; false as well if there is no image in it yet. Throws REGISTRY_UNREACHABLE, REGISTRY_DENIED, …. */
  has(repository: string, signal: AbortSignal): Promise<boolean>;
}

interface Asking {
  look: RepositoryLook;
  places: Semaphore;
  clock: Clock;
  signal: AbortSignal;
}

interface Repository {
  repository: string;
  /** Those that have their images there. */
  apps: string[];
}

const AT_ONCE = 8;
/** A registry that says nothing for so long is taken for one that is away. */
const LIMIT_MS = 15_000;

/**
 * Looks at the repository of each app's images: that it can be reached and read from here, with the credentials that there are. Of a registry that is away no more is asked, so that
 * many apps do not make it long.
 */
export async function checkRegistries(
  apps: ReadonlyArray<{ app: string; repository: string }>,
  look: RepositoryLook,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<Findings> {
  const findings = new Findings("registries");
  const byRepository = Map.groupBy(apps, ({ repository }) => repository);
  const repositories = [...byRepository].map(([repository, of]) => ({ repository, apps: of.map(({ app }) => app) }));
  const hosts = Map.groupBy(repositories, ({ repository }) => repository.slice(0, repository.indexOf("/")));
  const asking = { look, places: new Semaphore(AT_ONCE), clock, signal };
  const found = await Promise.all([...hosts].map(([host, those]) => checkHost(host, those, asking)));
  findings.checks.push(...found.flat());
  if (apps.length === 0) findings.ok("no app has an image of a registry yet");
  return findings;
}

async function checkHost(host: string, repositories: readonly Repository[], asking: Asking): Promise<DoctorCheck[]> {
  let isAway = false;
  let left = 0;
  const check = async (one: Repository): Promise<DoctorCheck[]> => {
    using _ = await asking.places.acquire(asking.signal);
    if (isAway) {
      left++;
      return [];
    }
    const findings = new Findings("registries");
    if (!(await checkRepository(one, asking, findings))) isAway = true;
    return findings.checks;
  };
  const [first, ...others] = repositories;
  const checks = first === undefined ? [] : await check(first);
  const more = await Promise.all(others.map(check));
  const rest = new Findings("registries");
  if (left > 0)
    rest.warn(
      `${left} more ${left === 1 ? "repository" : "repositories"} of ${host} ${left === 1 ? "was" : "were"} not asked for`,
      "It does not answer, see above.",
    );
  return [...checks, ...more.flat(), ...rest.checks];
}

/** False if the registry is away. */
async function checkRepository(
  { repository, apps }: Repository,
  { look, clock, signal }: Asking,
  findings: Findings,
): Promise<boolean> {
  const of = `${repository}, of ${apps.join(", ")}`;
  const end = new AbortController();
  void clock.sleep(LIMIT_MS, { signal: end.signal, unref: true }).then(
    () => end.abort(tooLong(repository)),
    () => undefined,
  );
  try {
    if (await look.has(repository, AbortSignal.any([signal, end.signal]))) findings.ok(of);
    else findings.warn(`${of}: there is no image in it yet`, "The first deployment pushes one; or push a tag to it.");
    return true;
  } catch (thrown) {
    signal.throwIfAborted();
    const error = toSteppeError(thrown, "ask", repository);
    findings.fail(`${of}: ${error.reason}`, error.hint);
    return error.code !== "REGISTRY_UNREACHABLE";
  } finally {
    end.abort();
  }
}

function tooLong(repository: string): SteppeError {
  const cause = `its registry does not answer within ${LIMIT_MS / 1000} s`;
  return new SteppeError("REGISTRY_UNREACHABLE", { operation: "ask", subject: repository, cause });
}
