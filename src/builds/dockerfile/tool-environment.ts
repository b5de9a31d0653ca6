/** What a tool finds in its environment to know which of its processes belong to which build; the value is the build's workspace. */
export const MARK = "STEPPE_BUILD";

/** The variables by which a tool belongs to a build. What it writes for a while goes with the workspace, however it ends. */
export function ofBuild(workspace: string): Record<string, string> {
  return { [MARK]: workspace, TMPDIR: workspace };
}

/** Where programs are, whose configuration counts, and how the Docker daemon and registries are reached. */
const COMMON = ["PATH", "HOME", "USER", "XDG_RUNTIME_DIR", "DOCKER_CONFIG", "SSL_CERT_FILE", "SSL_CERT_DIR"];
/** https://docs.docker.com/reference/cli/docker/#environment-variables */
const DOCKER = [
  "DOCKER_HOST",
  "DOCKER_CONTEXT",
  "DOCKER_CERT_PATH",
  "DOCKER_TLS",
  "DOCKER_TLS_VERIFY",
  "SSH_AUTH_SOCK",
];
/** buildah fetches base images itself, so it is given the proxies; it is told not to hand them on to what it runs. */
const BUILDAH = [
  "XDG_CONFIG_HOME",
  "REGISTRY_AUTH_FILE",
  "CONTAINERS_CONF",
  "CONTAINERS_REGISTRIES_CONF",
  "CONTAINERS_STORAGE_CONF",
  "BUILDAH_ISOLATION",
  "STORAGE_DRIVER",
  "STORAGE_OPTS",
  ...["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"].flatMap((name) => [name, name.toLowerCase()]),
];

/**
 * The environment of a program that builds: of Steppe's own no more than it needs. With no locale, so that its messages are those that are
 * known here.
 */
export function toolEnvironment(
  tool: "docker" | "buildah",
  environment: NodeJS.ProcessEnv,
  more: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const names = [...COMMON, ...(tool === "docker" ? DOCKER : BUILDAH)];
  const given = names.flatMap((name) => {
    const value = environment[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", ...Object.fromEntries(given), LC_ALL: "C.UTF-8", ...more };
}
