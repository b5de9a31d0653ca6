import { expect, test } from "vitest";
import { secretPlaces } from "./secret-places.ts";

test("credentials are told by their places, wherever a job has them", () => {
  const task = {
    Name: "auth",
    Config: {
      image: "team/blog",
      auth: [{ username: "x", password: "s3cret", server_address: "" }],
      args: ["--log=info", "--db-password", "s3cret", "--token=abc"],
    },
    Env: { DB_PASSWORD: "s3cret", DB_PASSWORD_FILE: "/run/x", TOKEN: "", NAME: "${NOMAD_TASK_NAME}", SECRET: "${x}" },
    Artifacts: [
      {
        GetterHeaders: { "X-Key": "k" },
        GetterSource: "git::https://u:p@git.test/x",
        GetterOptions: { sshkey: "AAAA" },
      },
      { GetterSource: "https://git.test/y", GetterHeaders: null },
    ],
    Templates: [
      { EmbeddedTmpl: "A=1\nDB_PASSWORD=s3cret\n", DestPath: "secrets/env" },
      { EmbeddedTmpl: 'PASSWORD={{ with secret "kv/blog" }}{{ .Data.x }}{{ end }}\n', DestPath: "secrets/env" },
      { EmbeddedTmpl: '{"token": "abc"}' },
    ],
    KillTimeout: 5,
  };
  expect(secretPlaces({ task })).toEqual([
    "task.Config.auth[0].password",
    "task.Config.args[2]",
    "task.Config.args[3]",
    "task.Env.DB_PASSWORD",
    "task.Artifacts[0].GetterHeaders.X-Key",
    "task.Artifacts[0].GetterSource",
    "task.Artifacts[0].GetterOptions.sshkey",
    "task.Templates[0].EmbeddedTmpl",
    "task.Templates[2].EmbeddedTmpl",
  ]);
  expect(secretPlaces(null)).toEqual([]);
});
