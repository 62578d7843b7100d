import { expect, it } from "vitest";
import { type AddressOptions, pathOf, s3Address } from "./s3-address.ts";

const DEFAULTS: AddressOptions = {
  backend: "s3",
  bucket: "football",
  region: "us-east-2",
  endpoint: undefined,
  forcePathStyle: false,
};

const urlOf = (options: Partial<AddressOptions>, key = "a b/c"): string => {
  const address = s3Address({ ...DEFAULTS, ...options });
  const { isSecure, hostname, port, host } = address;
  return `${isSecure ? "https" : "http"} ${hostname}:${port} ${host} ${pathOf(address, key)}`;
};

it("addresses AWS by region, with the bucket in the host name if a certificate covers it", () => {
  const aws = "s3.us-east-2.amazonaws.com";
  expect(urlOf({})).toBe(`https football.${aws}:443 football.${aws} /a%20b/c`);
  expect(urlOf({}, "")).toBe(`https football.${aws}:443 football.${aws} /`);
  expect(urlOf({ forcePathStyle: true })).toBe(`https ${aws}:443 ${aws} /football/a%20b/c`);
  expect(urlOf({ bucket: "foot.ball" })).toBe(`https ${aws}:443 ${aws} /foot.ball/a%20b/c`);
  expect(urlOf({ region: "cn-north-1" })).toContain("football.s3.cn-north-1.amazonaws.com.cn:443");
});

it("keeps the port and path of an endpoint", () => {
  const local = { endpoint: "http://127.0.0.1:9000/", forcePathStyle: true };
  expect(urlOf(local)).toBe("http 127.0.0.1:9000 127.0.0.1:9000 /football/a%20b/c");
  expect(urlOf(local, "")).toBe("http 127.0.0.1:9000 127.0.0.1:9000 /football");
  expect(urlOf({ endpoint: "http://[::1]:9000/base/path", forcePathStyle: true })).toBe(
    "http ::1:9000 [::1]:9000 /base/path/football/a%20b/c",
  );
  expect(urlOf({ endpoint: "https://store.example" })).toBe(
    "https football.store.example:443 football.store.example /a%20b/c",
  );
});

it.each([
  { endpoint: "127.0.0.1:9000" },
  { endpoint: "ftp://store.example" },
  { endpoint: "http://" },
  { region: "us-east-1.evil.example/" },
])("%j is invalid_argument", (options) => {
  expect(() => s3Address({ ...DEFAULTS, ...options })).toThrow(
    expect.objectContaining({ code: "invalid_argument" }),
  );
});

it("refuses a password in an endpoint without repeating it", () => {
  const endpoint = "https://me:secret@store.example";
  expect(() => s3Address({ ...DEFAULTS, endpoint })).toThrow(/^(?!.*secret)/);
});
