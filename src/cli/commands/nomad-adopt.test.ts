import { expect, test } from "vitest";
import type { AdoptionView } from "../../api/types.ts";
import { blog, FakeWorld } from "../fake-world.ts";

const adoption: AdoptionView = {
  app: "web",
  job: "blog",
  definition: { ...blog, name: "web", job: '{\n  "Job": {}\n}\n' },
  image: "team/blog:v1",
  changes: null,
  notes: [],
  taken: null,
};

test("a jobspec of its own is shown to a program, and told of to a person", async () => {
  await using world = await FakeWorld.make();
  world.routes.set("POST /v1/cluster/adopt", adoption);
  const args = ["nomad", "adopt", "blog", "--name", "web", "--domain", "a.test,b.test"];
  expect((await world.run(...args)).stdout).toContain('"Job": {}');
  world.isTerminal = true;
  const { stdout, stderr } = await world.run(...args);
  expect(stdout).toContain("    job: web.nomad.json\n");
  expect(stdout).not.toContain('"Job"');
  expect(stdout).toContain("# web.nomad.json has the 3 lines of its jobspec: --write makes it, and a pipe shows it.");
  expect(stderr).toContain("\n  steppe nomad adopt blog --name web --domain a.test --domain b.test --apply\n");
});
