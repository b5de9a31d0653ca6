import { describe, expect, test } from "vitest";
import { fault } from "../../../test/support/fault.ts";
import { parseEndpoint } from "./endpoint.ts";

const plain = { scheme: "http:", port: 8500 } as const;
const secure = { scheme: "https:", port: 8500 } as const;

describe("an address", () => {
  test.for([
    ["127.0.0.1:8500", plain, "http://127.0.0.1:8500/"],
    ["127.0.0.1", plain, "http://127.0.0.1:8500/"],
    ["[::1]", plain, "http://[::1]:8500/"],
    ["[::1]:9500", plain, "http://[::1]:9500/"],
    ["consul.example.com:8501", secure, "https://consul.example.com:8501/"],
    ["http://consul.example.com", plain, "http://consul.example.com/"],
    ["http://consul.example.com:8501", secure, "https://consul.example.com:8501/"],
    ["https://consul.example.com/api/", plain, "https://consul.example.com/api/"],
    ["HTTPS://consul.example.com:8501", plain, "https://consul.example.com:8501/"],
  ] as const)("%s", ([text, defaults, url]) => {
    expect(parseEndpoint(text, defaults, "CONSUL_HTTP_ADDR").url.href).toBe(url);
  });

  test("of a unix socket", () => {
    const { url, socketPath } = parseEndpoint("unix:///run/consul/http.sock", plain, "CONSUL_HTTP_ADDR");
    expect([url.href, socketPath]).toEqual(["http://localhost/", "/run/consul/http.sock"]);
  });

  test.for([
    ["ftp://127.0.0.1", "there is no scheme ftp://"],
    ["unix://run/consul.sock", "begins with /"],
    ["127.0.0.1:99999", "is no address"],
    ["http://", "is no address"],
    ["127.0.0.1:8500?a=b", "is no address"],
    ["http://user:password@127.0.0.1:8500", "a user and a password have no place in it"],
    ["http://user:password@127.0.0.1:99999", "http://…@127.0.0.1:99999 is no address"],
    ["user:password@127.0.0.1:99999", "…@127.0.0.1:99999 is no address"],
    ["ftp://user:password@127.0.0.1", "ftp://…@127.0.0.1: there is no scheme ftp://"],
    ["unix://user:password@run", "begins with /"],
    ["http://127.0.0.1:8500?token=password", "http://127.0.0.1:8500?… is no address"],
  ] as const)("is none: %s", ([text, cause]) => {
    const error = fault(() => parseEndpoint(text, plain, "CONSUL_HTTP_ADDR"));
    expect(error).toMatchObject({ code: "ENVIRONMENT_INVALID", subject: "CONSUL_HTTP_ADDR" });
    expect(error.reason).toContain(cause);
    expect(error.message).not.toMatch(/password@|=password/);
  });
});
