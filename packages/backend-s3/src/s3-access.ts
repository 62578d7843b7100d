import { StorageError } from "@parquetry/core/backend";
import type { ObjectAccess } from "@parquetry/core/unstable";
import { type AwsClient, createAwsClient, findPlace, type S3Place } from "./aws-client.ts";
import { type CredentialSource, credentialSource, type S3Credentials } from "./aws-credentials.ts";
import { awsEndpoint, parseEndpoint, s3Address } from "./s3-address.ts";
import type { S3Profile } from "./s3-profile.ts";
import { encodeUriPart } from "./uri-encoding.ts";

/** How a bucket is reached. */
export interface AccessOptions {
  readonly profile: S3Profile;
  readonly bucket: string;
  readonly region?: string | undefined;
  readonly endpoint?: string | undefined;
  readonly forcePathStyle?: boolean | undefined;
  readonly credentials?: S3Credentials | undefined;
  /** The profile of `~/.aws`, used without credentials. */
  readonly awsProfile?: string | undefined;
  /** Replaces the region, the endpoint, the path style and the credentials. */
  readonly client?: AwsClient | undefined;
}

/** The place of a bucket and the credentials for it: known at once, or found by the AWS SDK. */
export interface S3Access {
  /** Finds the bucket. @throws StorageError `invalid_argument` or `not_supported`, as {@link findPlace}. */
  place(): S3Place | Promise<S3Place>;
  readonly credentials: CredentialSource;
}

/** Uses the options as far as they go, and the AWS SDK for the rest. The SDK is loaded with the first request. */
export function s3Access(options: AccessOptions): S3Access {
  const { profile, bucket, endpoint, forcePathStyle, awsProfile } = options;
  const backend = profile.name;
  const credentials = options.credentials && { ...options.credentials };
  if (endpoint !== undefined) parseEndpoint(backend, endpoint);
  if (options.client === undefined && credentials !== undefined && !needsRules(bucket, endpoint)) {
    const region = options.region ?? profile.defaultRegion;
    const inPath = forcePathStyle ?? (profile.forcePathStyle || endpoint !== undefined);
    const address = s3Address({ backend, bucket, region, endpoint, forcePathStyle: inPath });
    return { place: () => ({ address, region, service: "s3" }), credentials: () => credentials };
  }
  let loading: Promise<AwsClient> | undefined;
  const load = (): Promise<AwsClient> => {
    if (options.client !== undefined) return Promise.resolve(options.client);
    const { defaultRegion } = profile;
    loading ??= createAwsClient({ region: options.region, defaultRegion, endpoint, profile: awsProfile });
    return loading;
  };
  const prefersPathStyle = options.client === undefined;
  let found: Promise<S3Place> | undefined;
  return {
    place() {
      found ??= findPlace(load(), { backend, bucket, forcePathStyle, prefersPathStyle });
      // The next request tries again.
      found.catch(() => {
        found = undefined;
      });
      return found;
    },
    credentials:
      credentials === undefined
        ? credentialSource(async () => (await load()).config.credentials())
        : () => credentials,
  };
}

/** Whether only the SDK's endpoint rules know where the bucket is: an access point, or FIPS and dual-stack endpoints. */
function needsRules(bucket: string, endpoint: string | undefined): boolean {
  if (bucket.startsWith("arn:")) return true;
  const { AWS_USE_FIPS_ENDPOINT, AWS_USE_DUALSTACK_ENDPOINT } = process.env;
  return (
    endpoint === undefined && (AWS_USE_FIPS_ENDPOINT === "true" || AWS_USE_DUALSTACK_ENDPOINT === "true")
  );
}

/** Splits an address into bucket and server, as other programs expect it. */
export function objectAccess(
  { address, region, service }: S3Place,
  { accessKeyId, secretAccessKey, sessionToken }: S3Credentials,
  bucket: string,
  backend: string,
): ObjectAccess {
  if (service !== "s3") {
    throw new StorageError({
      ...{ code: "not_supported", op: "access", backend },
      message: `access ${bucket}: other programs cannot sign requests to ${service}.`,
    });
  }
  const { isSecure, host, basePath } = address;
  const inPath = `/${encodeUriPart(bucket)}`;
  const isPathStyle = basePath.endsWith(inPath);
  // The host name of an access point starts with the access point's own name.
  const name = isPathStyle || host.startsWith(`${bucket}.`) ? bucket : host.slice(0, host.indexOf("."));
  const server = isPathStyle ? host : host.slice(name.length + 1);
  const path = isPathStyle ? basePath.slice(0, -inPath.length) : basePath;
  const endpoint = `${isSecure ? "https" : "http"}://${server}${path}`;
  const isAws = endpoint === awsEndpoint(backend, region);
  return {
    ...{ bucket: name, prefix: "", region, isPathStyle },
    endpoint: isAws ? undefined : endpoint,
    credentials: { accessKeyId, secretAccessKey, sessionToken },
  };
}
