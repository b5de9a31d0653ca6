import { stdout } from "node:process";
import type { Reporter, TestModule } from "vitest/node";
import { isMissingPeer } from "./support/peers.ts";

/**
 * Ends a run with what was skipped and why, and with a last line `N passed, N failed`. With CI set, a test that was
 * skipped because a program is missing counts as failed: there everything is installed.
 */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const strict = process.env["CI"] !== undefined && process.env["CI"] !== "";
    let passed = 0;
    let failed = unhandledErrors.length;
    for (const module of modules) {
      // a file that could not be loaded has errors of its own and no tests
      if (module.errors().length > 0) failed++;
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === "passed") passed++;
        if (result.state === "failed") failed++;
        if (result.state !== "skipped") continue;
        stdout.write(`skipped: ${module.relativeModuleId}: ${test.fullName}: ${result.note ?? "no reason given"}\n`);
        if (strict && isMissingPeer(result.note)) failed++;
      }
    }
    if (failed > 0) process.exitCode = 1;
    stdout.write(`${passed} passed, ${failed} failed\n`);
  }
}
