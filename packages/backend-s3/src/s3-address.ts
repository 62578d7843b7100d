import { StorageError } from "@parquetry/core/backend";
import { encodeKey, encodeUriPart } from "./uri-encoding.ts";

/** Where a bucket is. */
export interface S3Address {
  readonly isSecure: boolean;
  /** The host to connect to, without brackets. */
  readonly hostname: string;
  readonly port: number;
  /** The `Host` header. */
  readonly host: string;
  /** What comes before the key in a path: empty, or `/bucket`. Percent-encoded. */
  readonly basePath: string;
}

/** What an address is made of. */
export interface AddressOptions {
  /** The backend's name, for errors. */
  readonly backend: string;
  readonly bucket: string;
  readonly region: string;
  readonly endpoint: string | undefined;
  readonly forcePathStyle: boolean;
}

/** Names that may stand before the endpoint's host; with a dot no certificate of AWS would match. */
export const HOST_LABEL: RegExp = /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/;

/** Finds a bucket's address. @throws StorageError `invalid_argument` for an endpoint or a region that cannot be one. */
export function s3Address({ backend, bucket, region, endpoint, forcePathStyle }: AddressOptions): S3Address {
  const server = addressOf(parseEndpoint(backend, endpoint ?? awsEndpoint(backend, region)));
  const inPath = forcePathStyle || (endpoint === undefined && !HOST_LABEL.test(bucket));
  return inPath
    ? { ...server, basePath: `${server.basePath}/${encodeUriPart(bucket)}` }
    : { ...server, hostname: `${bucket}.${server.hostname}`, host: `${bucket}.${server.host}` };
}

/** The address that a URL names. */
export function addressOf(url: URL): S3Address {
  const isSecure = url.protocol === "https:";
  return {
    isSecure,
    hostname: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: Number(url.port === "" ? (isSecure ? 443 : 80) : url.port),
    host: url.host,
    basePath: url.pathname.replace(/\/+$/, ""),
  };
}

/** The path of a key, or of the bucket itself. */
export function pathOf({ basePath }: S3Address, key: string): string {
  // In the path style the bucket itself goes without a slash, as AWS's own clients send it.
  return key === "" ? basePath || "/" : `${basePath}/${encodeKey(key)}`;
}

/** https://docs.aws.amazon.com/general/latest/gr/s3.html */
export function awsEndpoint(backend: string, region: string): string {
  if (!/^[a-z0-9-]+$/.test(region)) throw invalid(backend, `${JSON.stringify(region)} is no region`);
  const domain = region.startsWith("cn-")
    ? "amazonaws.com.cn"
    : region.startsWith("eusc-")
      ? "amazonaws.eu"
      : "amazonaws.com";
  return `https://s3.${region}.${domain}`;
}

/** Parses an endpoint. @throws StorageError `invalid_argument` where it is not an http or https URL, or holds a password. */
export function parseEndpoint(backend: string, endpoint: string): URL {
  const url = /^https?:\/\//.test(endpoint) && URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url !== undefined && url.username === "" && url.password === "") return url;
  if (url !== undefined) throw invalid(backend, "an endpoint holds no user and no password");
  throw invalid(backend, `the endpoint ${JSON.stringify(endpoint)} is no http or https URL`);
}

function invalid(backend: string, says: string): StorageError {
  return new StorageError({
    code: "invalid_argument",
    op: "open",
    backend,
    message: `open ${backend}: ${says}.`,
  });
}
