import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { beforeEach, describe, expect, it } from "vitest";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { peer } from "../../test/support/peers.ts";
import { lastWords, withoutPasswords } from "./git.ts";
import { parseRemote } from "./remote-address.ts";
import { Repositories } from "./repositories.ts";
import { TestRepository } from "./test-repository.ts";

const signal = new AbortController().signal;

beforeEach((context) => {
  peer(context, "git");
});

describe("a remote repository", () => {
  it("is fetched when its refs differ, and not otherwise", async () => {
    using folder = temporaryFolder();
    const user = await TestRepository.create(join(folder.path, "user"));
    const repositories = new Repositories({ folder: join(folder.path, "repositories") });
    const url = pathToFileURL(user.path).href;
    const commit = await user.commit();
    await user.git("tag", "v1");
    await user.git("tag", "-a", "v2", "-m", "two");
    expect(await repositories.fetch("blog", url, signal)).toBe(true);
    expect(await repositories.fetch("blog", url, signal)).toBe(false);
    expect((await repositories.refs("blog")).map(({ name, commit: to }) => [name, to])).toEqual([
      ["refs/heads/main", commit],
      ["refs/tags/v1", commit],
      ["refs/tags/v2", commit],
    ]);
    await user.git("tag", "-d", "v2");
    await user.commit("more");
    await user.git("tag", "-f", "v1");
    const both = await Promise.all([repositories.fetch("blog", url, signal), repositories.fetch("blog", url, signal)]);
    expect(both).toEqual([true, false]);
    expect((await repositories.refs("blog")).map(({ name }) => name)).toEqual(["refs/heads/main", "refs/tags/v1"]);
  });

  it("that is not there says so in git's words", async () => {
    using folder = temporaryFolder();
    const repositories = new Repositories({ folder: folder.path });
    await expect(repositories.fetch("blog", `file://${folder.path}/nothing.git`, signal)).rejects.toMatchObject({
      code: "REMOTE_UNREACHABLE",
      reason: expect.stringContaining("does not appear to be a git repository"),
    });
    await expect(repositories.fetch("blog", "http://user:secret@127.0.0.1:1/x.git", signal)).rejects.toSatisfy(
      (error) => !JSON.stringify(error).includes("secret") && String(error).includes("127.0.0.1"),
    );
  });

  it("is given up when it is cancelled", async () => {
    using folder = temporaryFolder();
    const repositories = new Repositories({ folder: folder.path });
    const cancelled = AbortSignal.abort(new Error("enough"));
    await expect(repositories.fetch("blog", "https://example.com/x.git", cancelled)).rejects.toThrow("enough");
  });

  it("may hold a tag of a tag, and tags that lead to no commit", async () => {
    using folder = temporaryFolder();
    const user = await TestRepository.create(join(folder.path, "user"));
    const repositories = new Repositories({ folder: join(folder.path, "repositories") });
    user.write("a.txt", "a");
    const commit = await user.commit();
    await user.git("tag", "-a", "inner", "-m", "inner");
    await user.git("tag", "-a", "outer", "-m", "outer", "inner");
    await user.git("tag", "file", "HEAD:a.txt");
    await repositories.fetch("blog", pathToFileURL(user.path).href, signal);
    const refs = await repositories.refs("blog");
    expect(refs.map(({ name, commit: to }) => [name, to])).toEqual([
      ["refs/heads/main", commit],
      ["refs/tags/file", null],
      ["refs/tags/inner", commit],
      ["refs/tags/outer", commit],
    ]);
  });
});

describe("an address", () => {
  it.each([
    ["https://example.com/x.git", "https", "example.com"],
    ["ssh://git@Example.com:22/x.git", "ssh", "example.com"],
    ["git@github.com:o/r.git", "ssh", "github.com"],
    ["file:///srv/x.git", "file", ""],
  ])("%s is taken", (url, protocol, host) => {
    expect(parseRemote(url, "blog")).toEqual({ url, protocol, host });
  });

  it.each([
    "ext::sh -c id",
    "ext::id",
    "/srv/x.git",
    "-oProxyCommand=id",
    "ftp://example.com/x",
    "ssh://-oProxyCommand=id/x",
    "git@-x:y",
    "a b",
    "fd::17",
    "https://",
    "x:-y",
  ])("%s is refused", (url) => {
    expect(() => parseRemote(url, "blog")).toThrow(expect.objectContaining({ code: "REPOSITORY_INVALID" }));
  });

  it("is shown without its password", () => {
    expect(withoutPasswords("at https://me:pass@example.com/x and ssh://git@b/c")).toBe(
      "at https://***@example.com/x and ssh://***@b/c",
    );
  });
});

it("git's last words are those that mean something", () => {
  const ssh =
    "Host key verification failed.\nfatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights\nand the repository exists.\n";
  expect(lastWords(ssh)).toBe("Host key verification failed: Could not read from remote repository");
  expect(lastWords("fatal: repository 'https://x/' not found\n")).toBe("repository 'https://x/' not found");
});
