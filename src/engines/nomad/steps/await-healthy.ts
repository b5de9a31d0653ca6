import type { Check } from "../../../consul/index.ts";
import { type Deployment, type DeploymentGroup, isOver, type Job } from "../../../nomad-api/index.ts";
import { SteppeError } from "../../../shared/errors.ts";
import type { EngineContext, ReleaseSpec } from "../../engine.ts";
import { isWanted, type JobInstance, type JobView } from "../cluster/job-view.ts";
import { type JobWatch, Later } from "../cluster/job-watch.ts";
import type { Looking } from "../cluster/look-pace.ts";
import { instanceFailure } from "../failure/instance-failure.ts";
import { placementCause } from "../failure/placement-cause.ts";
import { isConsulsAlone } from "../job/consul-check.ts";
import { servicesOf } from "../job/services-of.ts";
import type { NomadParts } from "../parts.ts";
import { type AppJob, currentJob, isOf, replacedError, requireCurrent } from "./app-job.ts";
import { askInstances } from "./ask-instances.ts";
import { CheckProbe } from "./check-probe.ts";
import { isUnchanged } from "./is-unchanged.ts";
import { PatientChecks } from "./patient-checks.ts";
import { RegistrationWait } from "./registration-wait.ts";
import { addressOf, areAllFound, isOfAny, readableInstances, unfoundOf, visitedServices } from "./served-instances.ts";
import { withLog } from "./with-log.ts";

/** One that does not pass its check yet is asked so often. */
const UNWELL_MS = 250;

/**
 * Resolves when Nomad has found the instances of a placed release healthy, and they answer as the app's check wants. What goes wrong is told as soon as it is known, not at
 * the end of Nomad's deadlines. Throws CHECK_FAILED, INSTANCE_FAILED, PLACEMENT_FAILED, and NOMAD_JOB_CHANGED if somebody else has registered the job since.
 */
export async function awaitHealthy(parts: NomadParts, release: ReleaseSpec, context: EngineContext): Promise<void> {
  const { signal } = context;
  signal.throwIfAborted();
  const found = await currentJob(parts, release.app, signal);
  if (found === undefined || !isOf(found, release)) throw replacedError(release);
  if (!(await isUnchanged(parts, release, found, signal))) throw replacedError(release);
  const services = servicesOf(found.job.spec).map(({ name }) => name);
  using watch = parts.cluster.watch(found.job.id, services);
  using probe = new CheckProbe(parts, found.job.spec);
  using looking = parts.cluster.pace.begin(UNWELL_MS, UNWELL_MS);
  const waiting = new Waiting(parts, release, found, { ...context, probe, looking });
  await watch.until(signal, async (view) => {
    const checks = await parts.cluster.criticalChecks(watch.services, signal);
    return waiting.look(view, checks);
  });
  parts.unplaced.placed(release.app);
  if (isConsulsAlone(release.definition.check)) return;
  const addresses = await findAddresses(parts, release, found.job, watch, signal);
  await askInstances(release, addresses, { clock: parts.clock, signal });
  context.progress(`GET ${release.definition.check.path} answers as it should`);
}

/** Where all instances are, by Consul's word, which may come a moment after Nomad's. Throws CHECK_FAILED if they are in no service, so that nobody can ask them, or do not come to be in theirs. */
async function findAddresses(
  parts: NomadParts,
  release: ReleaseSpec,
  job: Job,
  watch: JobWatch,
  signal: AbortSignal,
): Promise<string[]> {
  const spec = await parts.maker.make(release, 0, signal);
  const services = visitedServices(spec, parts.tagPrefix);
  if (services.length === 0) throw unasked(release, job);
  const names = services.map(({ name }) => name);
  const registration = new RegistrationWait(release, parts.clock);
  using looking = parts.cluster.pace.begin();
  return await watch.until(signal, async (view) => {
    const instances = view.wantedOf(job.version);
    if (instances.length === 0) await requireCurrent(parts, release, job, signal);
    const found = await readableInstances(parts, names, signal);
    registration.look(unfoundOf(services, instances, found), found);
    if (!areAllFound(services, instances, found)) return looking.later();
    const ids = instances.map(({ id }) => id);
    return found.filter((one) => isOfAny(one, ids)).map(addressOf);
  });
}

function unasked({ app, number, definition: { check } }: ReleaseSpec, { id }: Job): SteppeError {
  return new SteppeError("CHECK_FAILED", {
    operation: "check",
    subject: `${app}, release ${number}`,
    cause: `GET ${check.path} cannot be asked, since the job ${id} has no service in Consul`,
    hint: "Give the job a service with the port that answers.",
  });
}

/** What a look is made with. */
interface LookContext extends EngineContext {
  probe: CheckProbe;
  looking: Looking;
}

/** What is remembered from one look to the next. */
class Waiting {
  readonly #parts: NomadParts;
  readonly #release: ReleaseSpec;
  readonly #job: Job;
  readonly #context: LookContext;
  readonly #checks: PatientChecks;
  #unplaced: { since: number; patienceMs: number } | undefined;
  #isUnwell = false;
  #told = "";

  constructor(parts: NomadParts, release: ReleaseSpec, { job }: AppJob, context: LookContext) {
    this.#parts = parts;
    this.#release = release;
    this.#job = job;
    this.#context = context;
    this.#checks = new PatientChecks(release.definition.check, parts.clock);
  }

  async look(view: JobView, critical: readonly Check[]): Promise<true | Later> {
    const { id, jobModifyIndex } = this.#job;
    const deployment = view.deployment(id, jobModifyIndex);
    const instances = versionInstances(view, this.#job);
    if (deployment?.status === "successful") return true;
    if (deployment?.status === "cancelled") throw replacedError(this.#release);
    await this.#requireNoFailure(instances, critical, deployment);
    if (deployment?.status === "failed") throw this.#failed(deployment.statusDescription);
    const unplacedMs = this.#lookForPlaces(view);
    if (deployment !== undefined && !isOver(deployment) && this.#isHealthy(deployment)) return true;
    const unwellMs = this.#isUnwell ? this.#context.looking.later().ms : Infinity;
    return new Later(Math.min(unplacedMs, this.#checks.nextMs(), unwellMs));
  }

  async #requireNoFailure(
    instances: readonly JobInstance[],
    critical: readonly Check[],
    deployment: Deployment | undefined,
  ): Promise<void> {
    const ofInstance = ({ id }: JobInstance): Check[] => critical.filter(({ serviceId }) => serviceId.includes(id));
    const unwell = instances.filter((one) => isWanted(one) && ofInstance(one).length > 0).map(({ id }) => id);
    const answers = await this.#context.probe.wrongAnswers(unwell, this.#context.signal);
    this.#isUnwell = unwell.length > 0;
    for (const instance of instances) {
      const { id } = instance;
      const failure =
        instanceFailure(instance) ?? this.#checks.failureOf(instance, ofInstance(instance), answers.get(id));
      if (failure === undefined) continue;
      throw await withLog(this.#parts, this.#release, instance, failure);
    }
    if (deployment?.status === "failed" && instances.length === 0) throw this.#failed(deployment.statusDescription);
  }

  /** How long until nothing is waited for any more. */
  #lookForPlaces(view: JobView): number {
    const cause = unplacedCause(view, this.#job);
    const { clock, unplaced } = this.#parts;
    const { app, number } = this.#release;
    if (cause === undefined) {
      this.#unplaced = undefined;
      return Infinity;
    }
    if (this.#unplaced === undefined) {
      this.#unplaced = { since: clock.monotonic(), patienceMs: unplaced.patienceMs(app, cause) };
      this.#context.note(`${cause}; waiting for a place for up to ${this.#unplaced.patienceMs / 1000} s`);
    }
    const left = this.#unplaced.since + this.#unplaced.patienceMs - clock.monotonic();
    if (left > 0) return left;
    unplaced.failed(app, cause);
    throw new SteppeError("PLACEMENT_FAILED", { operation: "place", subject: `${app}, release ${number}`, cause });
  }

  #isHealthy({ groups }: Deployment): boolean {
    const all = Object.values(groups);
    const healthy = sum(all, ({ healthy }) => healthy);
    const wanted = sum(all, wantedOf);
    const line = `${healthy} of ${wanted} instances healthy`;
    if (line !== this.#told) this.#context.progress(line);
    this.#told = line;
    return all.length > 0 && all.every((group) => group.healthy >= wantedOf(group));
  }

  #failed(description: string): SteppeError {
    const { app, number } = this.#release;
    const cause = `Nomad gave the deployment up: ${description}`;
    return new SteppeError("INSTANCE_FAILED", { operation: "check", subject: `${app}, release ${number}`, cause });
  }
}

/** Those of a job of the same id that was purged are known for a while, and had the same versions. */
function versionInstances(view: JobView, { version, createIndex }: Job): JobInstance[] {
  return view.instances().filter((one) => view.versionOf(one) === version && one.createIndex >= createIndex);
}

/** Before it is promoted only canaries count. */
function wantedOf({ promoted, desiredCanaries, desiredTotal }: DeploymentGroup): number {
  return promoted || desiredCanaries === 0 ? desiredTotal : desiredCanaries;
}

/** Why instances of the job have no place, by the newest evaluation that came to its end; undefined if they have. */
function unplacedCause(view: JobView, { jobModifyIndex }: Job): string | undefined {
  const ended = view.evaluationsSince(jobModifyIndex).filter(({ status }) => status === "complete");
  const [newest] = ended.toSorted((a, b) => (a.modifyIndex < b.modifyIndex ? 1 : -1));
  return newest === undefined ? undefined : placementCause(newest.placementFailures);
}

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
