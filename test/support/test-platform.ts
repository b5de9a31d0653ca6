import { afterAll, beforeAll } from "vitest";
import { type RunningSteppe, startSteppe, type StartOptions } from "./steppe.ts";
import { type TemporaryFolder, temporaryFolder } from "./temporary-folder.ts";
import { TestApp } from "./test-app.ts";

/** A platform for all tests of a file. Its parts are empty until it was started, before the first of them. */
export interface TestPlatform {
  readonly steppe: RunningSteppe;
  /** For the repositories of its apps, and what else the tests write. */
  readonly folder: TemporaryFolder;
  /** Adds an app, with more options of `steppe app add`. */
  add(name: string, ...options: string[]): Promise<TestApp>;
}

/** Starts a platform before the tests of the file that calls it, and stops it after them. */
export function testPlatform(name: string, options: StartOptions = {}): TestPlatform {
  const steppe = {} as RunningSteppe;
  const folder = {} as TemporaryFolder;
  beforeAll(async () => {
    Object.assign(folder, temporaryFolder(name));
    Object.assign(steppe, await startSteppe(options));
  }, 90_000);
  afterAll(async () => {
    await steppe.stop?.();
    folder[Symbol.dispose]?.();
  });
  return { steppe, folder, add: (app, ...more) => TestApp.add(steppe, app, folder.file(app), more) };
}
