import { describe, expect, test } from "vitest";
import { SteppeError } from "../shared/errors.ts";
import { parseUpOptions, upOptions } from "./up-options.ts";

const parse = (...args: string[]) => parseUpOptions(args, {}, "/srv");

describe("parseUpOptions", () => {
  test("defaults", () => {
    expect(parse()).toEqual({
      data: "/srv/.steppe",
      engine: "local",
      cluster: { datacenters: [], fabio: [], tagPrefix: null, siteBase: null },
      http: { host: "127.0.0.1", port: 8080 },
      https: { host: "127.0.0.1", port: 8443 },
      api: { host: "127.0.0.1", port: 7070 },
      webhooks: { host: "127.0.0.1", port: 7071 },
      webhooksInJob: null,
      webhooksUrl: null,
      host: null,
      insecureRegistries: [],
      workers: null,
      config: null,
      example: false,
      json: false,
      logLevel: null,
      restore: null,
      stop: false,
      force: false,
    });
  });

  test.each([
    [[], "24242", { host: "::", port: 24242 }],
    [[], "", null],
    [[], "http", null],
    [[], "70000", null],
    [["--webhooks", ":71"], "24242", null],
  ])("in a job of Nomad, %j and the port %j are where open paths are", (args, port, expected) => {
    expect(parseUpOptions(args, { NOMAD_PORT_http: port }, "/srv").webhooksInJob).toEqual(expected);
  });

  test("reads all of them", () => {
    const args =
      "--data d --http :80 --https=[::1]:443 --api localhost:0 --webhooks :71 --host Steppe.Example.com --workers 4";
    expect(
      parse(
        ...args.split(" "),
        "--config",
        "steppe.yaml",
        "--example",
        "--json",
        "--log-level=debug",
        "--webhooks-url",
        "https://Hooks.example.com/",
        "--insecure-registry=Registry.test:5000",
        "--insecure-registry",
        "index.docker.io,[::1]:5000",
      ),
    ).toEqual({
      data: "/srv/d",
      engine: "local",
      cluster: { datacenters: [], fabio: [], tagPrefix: null, siteBase: null },
      http: { host: "::", port: 80 },
      https: { host: "::1", port: 443 },
      api: { host: "localhost", port: 0 },
      webhooks: { host: "::", port: 71 },
      webhooksInJob: null,
      webhooksUrl: "https://hooks.example.com",
      host: "steppe.example.com",
      insecureRegistries: ["registry.test:5000", "docker.io", "[::1]:5000"],
      workers: 4,
      config: "/srv/steppe.yaml",
      example: true,
      json: true,
      logLevel: "debug",
      restore: null,
      stop: false,
      force: false,
    });
  });

  test("reads those of a cluster", () => {
    const args =
      "--engine nomad --datacenter dc1 --datacenter=dc2,edge-* --fabio http://10.0.0.1:9998/ --fabio https://fabio.test";
    const { engine, cluster } = parse(...args.split(" "), "--tag-prefix", "route-", "--site-base", "oci:base");
    expect(engine).toBe("nomad");
    expect(cluster).toEqual({
      datacenters: ["dc1", "dc2", "edge-*"],
      fabio: ["http://10.0.0.1:9998", "https://fabio.test"],
      tagPrefix: "route-",
      siteBase: "oci:/srv/base",
    });
    // Where the ingress would listen by itself is free there.
    expect(parse("--engine", "nomad", "--api", "127.0.0.1:8080").api.port).toBe(8080);
    const base = "registry.example.com/steppe/static:1";
    expect(parseUpOptions(["--site-base", base], { STEPPE_ENGINE: "nomad" }, "/srv").cluster.siteBase).toBe(base);
  });

  test("STEPPE_DATA stands in for --data", () => {
    expect(parseUpOptions([], { STEPPE_DATA: "/var/lib/steppe" }, "/srv").data).toBe("/var/lib/steppe");
    expect(parseUpOptions(["--data", "x"], { STEPPE_DATA: "/var/lib/steppe" }, "/srv").data).toBe("/srv/x");
  });

  test.each([
    [["--htp", ":80"], 'unknown option "--htp"', "Did you mean --http? See `steppe up --help`."],
    [["-x"], 'unknown option "-x"', undefined],
    [["extra"], 'unexpected argument "extra"', undefined],
    [["--http"], "--http wants a value: --http HOST:PORT", undefined],
    [["--data", "--json"], "--data wants a value: --data DIR", undefined],
    [["--json=yes"], "--json takes no value", undefined],
    [["--http", "80"], '--http "80" has no host; write `127.0.0.1:80`, or `:80` for every address', undefined],
    [["--workers", "0"], '--workers "0" is no number from 1 to 256', undefined],
    [["--insecure-registry", "a/b"], '--insecure-registry "a/b": its registry "a/b" is no host name', undefined],
    [["--webhooks-url", "ftp://a"], '--webhooks-url "ftp://a" is no address like https://hooks.example.com', undefined],
    [["--host", "a:1"], '--host "a:1" has a port; leave out `:1`', undefined],
    [["--log-level", "loud"], '--log-level "loud" is none of debug, info, warn, error', undefined],
    [["--data="], "--data is empty", undefined],
    [["--engine", "docker"], '--engine "docker" is none of local, nomad', undefined],
    [["--fabio", "http://a"], "--fabio means nothing with --engine local", "It is of `--engine nomad`."],
    [
      ["--engine", "nomad", "--http", ":80"],
      "--http means nothing with --engine nomad",
      "On a cluster visitors connect to Fabio, which has options of its own.",
    ],
    [["--engine", "nomad", "--host", "a.test"], "--host means nothing with --engine nomad", undefined],
    [["--engine", "nomad", "--example"], "--example means nothing with --engine nomad", undefined],
    [["--engine", "nomad", "--datacenter", "a b"], '--datacenter "a b" is no name of a datacenter', undefined],
    [["--engine", "nomad", "--datacenter="], "--datacenter is empty", undefined],
    [["--engine", "nomad", "--fabio", "fabio"], '--fabio "fabio" is no address like http://10.0.0.1:9998', undefined],
    [
      ["--engine", "nomad", "--fabio", "http://me:secret@a.test"],
      '--fabio "http://…@a.test" is no address like http://10.0.0.1:9998',
      undefined,
    ],
    [
      ["--engine", "nomad", "--tag-prefix", 'a"'],
      '--tag-prefix "a\\"" is not 1 to 64 letters, digits and any of "_./:-"',
      undefined,
    ],
    [["--http", ":80", "--https", ":80"], "--https has the same address as --http: :::80", undefined],
  ])("%j", (args, cause, hint) => {
    const error = catchError(() => parse(...args));
    expect(error).toMatchObject({ code: "USAGE", reason: cause, ...(hint === undefined ? {} : { hint }) });
  });

  test("every option has a description that starts small and ends without a dot", () => {
    for (const { description } of upOptions) expect(description).toMatch(/^[a-z].*[^.]$/);
  });
});

function catchError(act: () => unknown): SteppeError {
  try {
    act();
  } catch (error) {
    if (error instanceof SteppeError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
