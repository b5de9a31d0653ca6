const SECOND_NS = 1_000_000_000;

interface Group {
  Update: Record<string, unknown>;
  EphemeralDisk?: unknown;
  Services: Array<{ Checks: unknown }>;
  Tasks: Array<Record<string, unknown>>;
}

/**
 * Makes a job of Nomad's mock driver of one of Docker's: nothing is started, and it takes as little as Nomad lets a job take. The check is one of the driver's own, which
 * passes at once, since Fabio sends nobody to what has none. https://github.com/hashicorp/nomad/tree/main/drivers/mock
 */
export function asMock(job: Record<string, unknown>): void {
  for (const group of job["TaskGroups"] as Group[]) {
    group.Update["HealthCheck"] = "task_states";
    group.EphemeralDisk = { SizeMB: 10 };
    for (const task of group.Tasks) {
      task["Driver"] = "mock_driver";
      task["Config"] = { run_for: "24h" };
      task["Resources"] = { CPU: 10, MemoryMB: 10 };
      task["LogConfig"] = { Disabled: true, MaxFiles: 1, MaxFileSizeMB: 1 };
    }
    const check = {
      Name: "mock",
      Type: "script",
      TaskName: group.Tasks[0]?.["Name"],
      Command: "/bin/true",
      Interval: 120 * SECOND_NS,
      Timeout: 5 * SECOND_NS,
    };
    for (const service of group.Services) service.Checks = [check];
  }
}
