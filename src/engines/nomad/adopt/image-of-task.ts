import type { GroupSpec, JobSpec, TaskSpec, TemplateSpec } from "../../../nomad-api/index.ts";
import { readImageName } from "../../../shared/image-name.ts";

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
      const repository = repositoryOf(image);
      return repository === undefined ? [] : [{ group, task, image, repository }];
    }),
  );
}

function repositoryOf(image: string): string | undefined {
  // The tag may be one that Nomad puts in: `team/blog:${IMAGE_TAG}`.
  const [named = ""] = image.replace(/^(docker|https?):\/\//, "").split("@");
  const read = readImageName(named.replace(/:[^/]*$/, ""));
  return "value" in read ? `${read.value.registry}/${read.value.repository}` : undefined;
}

/**
 * The templates that a task keeps once Steppe says its image: without those whose one purpose is the variable of the image's tag, as in `team/blog:${IMAGE_TAG}`. Such a template
 * would go on restarting all instances at once whenever its key in Consul changes.
 */
export function keptTemplates({ Templates, Config }: TaskSpec): { kept: TemplateSpec[]; dropped: string[] } {
  const image = Config?.["image"];
  const variables = typeof image === "string" ? [...image.matchAll(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g)] : [];
  const names = new Set(variables.map(([, name = ""]) => name));
  const dropped: string[] = [];
  const kept = (Templates ?? []).filter((template) => {
    const only = onlyVariable(template);
    if (only === undefined || !names.has(only)) return true;
    dropped.push(only);
    return false;
  });
  return { kept, dropped };
}

/** The one variable that a template sets, if it does nothing else. */
function onlyVariable(template: TemplateSpec): string | undefined {
  if (template["Envvars"] !== true) return undefined;
  const lines = (template.EmbeddedTmpl ?? "").split("\n").filter((line) => line.trim() !== "");
  return lines.length === 1 ? /^\s*([A-Za-z_][A-Za-z0-9_]*)\s*=/.exec(lines[0] ?? "")?.[1] : undefined;
}
