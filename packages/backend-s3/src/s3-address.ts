import { StorageError } from "@parquetry/core/backend";
import { encodeKey, encodeUriPart } from "./uri-encoding.ts";

/** The address of a bucket. */
export interface S3Address {
  readonly isSecure: boolean;
  /** The host to connect to, without brackets. */
  readonly hostname: string;
  readonly port: number;
  /** The `Host` header. */
  readonly host: string;
  /** The path before the key: empty, or such as `/bucket`. Percent-encoded. */
  readonly basePath: string;
}

/** Options of {@link s3Address}. */
export interface AddressOptions {
  /** The backend's name, for errors. */
  readonly backend: string;
  readonly bucket: string;
  readonly region: string;
  readonly endpoint: string | undefined;
  readonly forcePathStyle: boolean;
}

/** Buckets that can be part of a host name. With a dot in the name, no certificate of AWS would match. */
export const HOST_LABEL: RegExp = /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/;

/** Returns the address of a bucket. @throws StorageError `invalid_argument` for an invalid endpoint or region. */
export function s3Address({ backend, bucket, region, endpoint, forcePathStyle }: AddressOptions): S3Address {
  const server = addressOf(parseEndpoint(backend, endpoint ?? awsEndpoint(backend, region)));
  const inPath = forcePathStyle || (endpoint === undefined && !HOST_LABEL.test(bucket));
  return inPath
    ? { ...server, basePath: `${server.basePath}/${encodeUriPart(bucket)}` }
    : { ...server, hostname: `${bucket}.${server.hostname}`, host: `${bucket}.${server.host}` };
}

/** Returns the address that a URL names. */
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

/** Returns the path of a key, or of the bucket itself. */
export function pathOf({ basePath }: S3Address, key: string): string {
  // In the path style, the path of the bucket has no trailing slash, as in AWS's own clients.
  return key === "" ? basePath || "/" : `${basePath}/${encodeKey(key)}`;
}

/** https://docs.aws.amazon.com/general/latest/gr/s3.html */
export function awsEndpoint(backend: string, region: string): string {
  if (!/^[a-z0-9-]+$/.test(region)) throw invalid(backend, `${JSON.stringify(region)} is not a region`);
  const domain = region.startsWith("cn-")
    ? "amazonaws.com.cn"
    : region.startsWith("eusc-")
      ? "amazonaws.eu"
      : "amazonaws.com";
  return `https://s3.${region}.${domain}`;
}

/** Parses an endpoint. @throws StorageError `invalid_argument` if it is not an http or https URL, or contains a password. */
export function parseEndpoint(backend: string, endpoint: string): URL {
  const url = /^https?:\/\//.test(endpoint) && URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url !== undefined && url.username === "" && url.password === "") return url;
  if (url !== undefined) throw invalid(backend, "an endpoint must not contain a user or a password");
  throw invalid(backend, `the endpoint ${JSON.stringify(endpoint)} is not an http or https URL`);
}

function invalid(backend: string, problem: string): StorageError {
  return new StorageError({
    code: "invalid_argument",
    op: "open",
    backend,
    message: `open ${backend}: ${problem}.`,
  });
}
