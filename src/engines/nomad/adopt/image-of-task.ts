import type { GroupSpec, JobSpec, TaskSpec, TemplateSpec } from "../../../nomad-api/index.ts";
import { imageRepository } from "../job/image-repository.ts";

/** A task that runs an image of a registry. */
export interface ImageTask {
  group: GroupSpec;
  task: TaskSpec;
  /** As the job has it. */
  image: string;
  /** `registry.example.com/team/blog` */
  repository: string;
}

/** The tasks whose image can be Steppe's to say. */
export function imageTasks(job: JobSpec): ImageTask[] {
  return (job.TaskGroups ?? []).flatMap((group) =>
    (group.Tasks ?? []).flatMap((task) => {
      const image = task.Config?.["image"];
      if ((task.Driver !== "docker" && task.Driver !== "podman") || typeof image !== "string") return [];
      const repository = imageRepository(image);
      return repository === undefined ? [] : [{ group, task, image, repository }];
    }),
  );
}

/**
 * The templates that a task keeps once Steppe says its image: without those whose one purpose is the variable of the image's tag, as in `team/blog:${IMAGE_TAG}`, which nothing else of
 * the task names. Such a template would go on restarting all instances at once whenever its key in Consul changes.
 */
export function keptTemplates(task: TaskSpec): { kept: TemplateSpec[]; dropped: string[] } {
  const { Templates, Config } = task;
  const { image, ...options } = Config ?? {};
  const names = typeof image === "string" ? variablesOf(image) : new Set<string>();
  const dropped: string[] = [];
  const kept = (Templates ?? []).filter((template) => {
    const only = onlyVariable(template);
    if (only === undefined || !names.has(only)) return true;
    const others = (Templates ?? []).filter((one) => one !== template);
    if (JSON.stringify({ ...task, Config: options, Templates: others }).includes(`\${${only}}`)) return true;
    dropped.push(only);
    return false;
  });
  return { kept, dropped };
}

function variablesOf(image: string): Set<string> {
  return new Set([...image.matchAll(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g)].map(([, name = ""]) => name));
}

/** The one variable that a template sets, if it does nothing else. */
function onlyVariable(template: TemplateSpec): string | undefined {
  if (template["Envvars"] !== true) return undefined;
  const lines = (template.EmbeddedTmpl ?? "").split("\n").filter((line) => line.trim() !== "");
  return lines.length === 1 ? /^\s*([A-Za-z_][A-Za-z0-9_]*)\s*=/.exec(lines[0] ?? "")?.[1] : undefined;
}

/** Whether a template that is kept goes on restarting the task when the variable of the image's tag changes. */
export function restartsByTag(task: TaskSpec): boolean {
  const image = task.Config?.["image"];
  const names = typeof image === "string" ? variablesOf(image) : new Set<string>();
  return keptTemplates(task).kept.some((template) => {
    const text = template.EmbeddedTmpl ?? "";
    const isRestart = !["noop", "signal", "script"].includes(template.ChangeMode ?? "");
    return (
      isRestart &&
      template["Envvars"] === true &&
      [...names].some((name) => new RegExp(`^\\s*${name}\\s*=`, "m").test(text))
    );
  });
}
