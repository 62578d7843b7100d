import { createHash, createHmac } from "node:crypto";
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

it.each([1, 9, 100, 300, 20])("signs by HMAC-SHA-256 for a region of %i letters", (letters) => {
  const region = "r".repeat(letters);
  const signer = createSigner("h", region);
  const hmac = (key: string | Buffer, text: string): Buffer =>
    createHmac("sha256", key).update(text).digest();
  for (const path of ["/a", `/${"b".repeat(500)}`, "/c"]) {
    const headers = signer({ method: "GET", path, query: "", payloadHash: NO_BODY }, CREDENTIALS, NOW);
    const list = "host;x-amz-content-sha256;x-amz-date";
    const canonical = `GET\n${path}\n\nhost:h\nx-amz-content-sha256:${NO_BODY}\nx-amz-date:20130524T000000Z\n\n${list}\n${NO_BODY}`;
    const scope = `20130524/${region}/s3/aws4_request`;
    const hashed = createHash("sha256").update(canonical).digest("hex");
    const keys = ["20130524", region, "s3", "aws4_request"];
    const key = keys.reduce<string | Buffer>(hmac, `AWS4${CREDENTIALS.secretAccessKey}`);
    const expected = hmac(key, `AWS4-HMAC-SHA256\n20130524T000000Z\n${scope}\n${hashed}`).toString("hex");
    expect(signatureOf(headers)).toBe(expected);
  }
});

it("sends the time of each request, to the second", () => {
  const timeOf = (now: string): string | undefined => {
    const headers = sign(
      { method: "GET", path: "/", query: "", payloadHash: NO_BODY },
      CREDENTIALS,
      new Date(now),
    );
    return headers[headers.indexOf("x-amz-date") + 1];
  };
  expect(
    [
      "2013-05-24T00:00:00.999Z",
      "2013-05-24T00:00:00Z",
      "2013-05-24T00:00:01Z",
      "2013-05-23T23:59:59.500Z",
    ].map(timeOf),
  ).toEqual(["20130524T000000Z", "20130524T000000Z", "20130524T000001Z", "20130523T235959Z"]);
});
