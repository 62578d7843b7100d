import { expect, it } from "vitest";
import { createSigner } from "./sign-request.ts";
import { encodeKey, encodeQuery } from "./uri-encoding.ts";

// The examples of "Signature Calculations for the Authorization Header", Amazon S3 API Reference.
const CREDENTIALS = {
  accessKeyId: "AKIAIOSFODNN7EXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
};
const NOW = new Date("2013-05-24T00:00:00Z");
const NO_BODY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const sign = createSigner("examplebucket.s3.amazonaws.com", "us-east-1");

const signatureOf = (headers: readonly string[]): string | undefined =>
  headers[headers.indexOf("authorization") + 1]?.split("Signature=")[1];

it("signs as Amazon's examples do", () => {
  const get = sign(
    {
      ...{ method: "GET", path: "/test.txt", query: "", payloadHash: NO_BODY },
      headers: { range: "bytes=0-9" },
    },
    CREDENTIALS,
    NOW,
  );
  expect(signatureOf(get)).toBe("f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
  const put = sign(
    {
      ...{ method: "PUT", path: `/${encodeKey("test$file.text")}`, query: "" },
      payloadHash: "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
      headers: {
        date: "Fri, 24 May 2013 00:00:00 GMT",
        "x-amz-storage-class": "REDUCED_REDUNDANCY",
      },
    },
    CREDENTIALS,
    NOW,
  );
  expect(signatureOf(put)).toBe("98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
  const list = sign(
    {
      ...{ method: "GET", path: "/", query: encodeQuery({ prefix: "J", "max-keys": "2" }) },
      payloadHash: NO_BODY,
    },
    CREDENTIALS,
    NOW,
  );
  expect(signatureOf(list)).toBe("34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
});

it("derives another key for another day or other credentials", () => {
  const request = { method: "GET", path: "/", query: "", payloadHash: NO_BODY };
  const first = signatureOf(sign(request, CREDENTIALS, NOW));
  const others = [
    sign(request, CREDENTIALS, new Date("2013-05-25T00:00:00Z")),
    sign(request, { ...CREDENTIALS, secretAccessKey: "another" }, NOW),
    sign(request, { ...CREDENTIALS, sessionToken: "token" }, NOW),
  ];
  expect(new Set([first, ...others.map(signatureOf)]).size).toBe(4);
  expect(signatureOf(sign(request, CREDENTIALS, NOW))).toBe(first);
});

it("encodes a key segment by segment, once", () => {
  expect(encodeKey("raw/k=a b/100%25 +'(ü)~.bin")).toBe("raw/k%3Da%20b/100%2525%20%2B%27%28%C3%BC%29~.bin");
});
