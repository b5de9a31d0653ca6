import { expect, test } from "vitest";
import { testDefinition } from "../../test/support/test-definition.ts";
import { FakeClock } from "../shared/clock.ts";
import { SteppeError } from "../shared/errors.ts";
import { silentLogger } from "../shared/log.ts";
import { remotesPort } from "./remotes-port.ts";

const image = { repository: "registry.test/team/blog", site: null };

test("repositories and images are polled, each alone, and what cannot be read is told", async () => {
  const clock = new FakeClock();
  const looks = { refs: 0, images: 0 };
  let isDown = true;
  const remotes = remotesPort({
    clock,
    log: silentLogger,
    random: () => 0.5,
    lookAtRefs: async () => void looks.refs++,
    lookAtImages: async () => {
      looks.images++;
      if (isDown) throw new SteppeError("REGISTRY_DENIED", { operation: "list", subject: "tags", cause: "no entry" });
    },
  });
  const definition = testDefinition("blog", { pollMs: 10_000, image, repository: "https://git.test/team/blog" });
  remotes.watch(testDefinition("here"));
  remotes.watch(definition);
  await clock.advance(10_000);
  expect(looks).toEqual({ refs: 1, images: 1 });
  expect(remotes.trouble("blog")?.error.cause).toBe("no entry");
  expect(remotes.trouble("here")).toBeNull();
  isDown = false;
  await clock.advance(60_000);
  expect(remotes.trouble("blog")).toBeNull();
  remotes.watch({ ...definition, image: null });
  const { images } = looks;
  await clock.advance(60_000);
  expect(looks.images).toBe(images);
  await remotes.forget("blog");
  const { refs } = looks;
  await clock.advance(60_000);
  expect(looks.refs).toBe(refs);
  await remotes.stop();
});
