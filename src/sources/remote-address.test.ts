import { expect, test } from "vitest";
import { repositoryKey } from "./remote-address.ts";

test.each([
  "https://git.example.com/team/blog",
  "https://git.example.com/team/blog.git",
  "https://user:secret@GIT.example.com/Team/Blog.git/",
  "http://git.example.com:3000/team/blog.git",
  "ssh://git@git.example.com:2222/team/blog.git",
  "git@git.example.com:team/blog.git",
  "git.example.com:/team/blog",
])("%s is known as the same repository", (address) => {
  expect(repositoryKey(address)).toBe("git.example.com/team/blog");
});

test.each([
  "https://git.example.com/team/blog2",
  "https://example.com/team/blog",
  "file:///team/blog",
  "team/blog",
  "",
])("%s is another", (address) => {
  expect(repositoryKey(address)).not.toBe("git.example.com/team/blog");
});
