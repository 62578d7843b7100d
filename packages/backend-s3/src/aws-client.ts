import { StorageError } from "@parquetry/core/backend";
import type { AwsIdentity } from "./aws-credentials.ts";
import { addressOf, HOST_LABEL, type S3Address } from "./s3-address.ts";

/** The parts of an `S3Client` of `@aws-sdk/client-s3` that a backend uses. The client itself sends no request. */
export interface AwsClient {
  readonly config: {
    credentials(): Promise<AwsIdentity>;
    region(): Promise<string>;
    endpointProvider(parameters: AwsEndpointParameters): AwsEndpoint;
    // Each of these is a value, or a function that returns one or a promise of one.
    readonly endpoint?: unknown;
    readonly isCustomEndpoint?: boolean | undefined;
    readonly ignoreConfiguredEndpointUrls?: unknown;
    readonly serviceConfiguredEndpoint?: unknown;
    readonly forcePathStyle?: unknown;
    readonly useArnRegion?: unknown;
    readonly useAccelerateEndpoint?: unknown;
    readonly useDualstackEndpoint?: unknown;
    readonly useFipsEndpoint?: unknown;
    readonly useGlobalEndpoint?: unknown;
    readonly disableMultiregionAccessPoints?: unknown;
  };
}

/** The parameters of S3's endpoint rules (docs.aws.amazon.com/sdkref/latest/guide/feature-endpoints.html). */
export interface AwsEndpointParameters {
  readonly Bucket: string;
  readonly Region: string;
  readonly [name: string]: string | boolean | undefined;
}

/** An answer of S3's endpoint rules. */
export interface AwsEndpoint {
  readonly url: URL;
  readonly properties?: Readonly<Record<string, unknown>> | undefined;
}

/** Where the requests for a bucket go, and how they are signed. */
export interface S3Place {
  readonly address: S3Address;
  /** The region in the signature. */
  readonly region: string;
  /** The service in the signature: `s3`, or `s3-outposts`. */
  readonly service: string;
}

/** Options of {@link createAwsClient}. */
export interface AwsClientOptions {
  readonly region?: string | undefined;
  /** The region if none is configured anywhere. */
  readonly defaultRegion: string;
  readonly endpoint?: string | undefined;
  readonly profile?: string | undefined;
}

/** Loads the AWS SDK, which takes some 100 ms, and creates a client: it reads `~/.aws` and the environment. */
export async function createAwsClient(options: AwsClientOptions): Promise<AwsClient> {
  const { S3Client } = await import("@aws-sdk/client-s3");
  const { profile, region, endpoint = await profileEndpoint(profile) } = options;
  const config = {
    ...(profile === undefined ? {} : { profile }),
    ...(endpoint === undefined ? {} : { endpoint }),
  };
  const client = new S3Client(region === undefined ? config : { ...config, region });
  try {
    await client.config.region();
    return client;
  } catch {
    // No region is configured, as is usual for servers other than AWS's.
    return new S3Client({ ...config, region: options.defaultRegion });
  }
}

/**
 * Returns the `endpoint_url` of a profile. The SDK looks for it only in the profile that `AWS_PROFILE` names, not in the one
 * that its client is created with.
 */
async function profileEndpoint(profile: string | undefined): Promise<string | undefined> {
  if (profile === undefined || process.env["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] === "true")
    return undefined;
  const { loadConfig } = await import("@smithy/core/config");
  const load = loadConfig<string | undefined>(
    {
      environmentVariableSelector: () => undefined,
      configFileSelector: ({ services, endpoint_url }, file) =>
        file?.[`services.${services}`]?.["s3.endpoint_url"] ?? endpoint_url,
      default: undefined,
    },
    { profile },
  );
  return load();
}

/** How a bucket is addressed by a client. */
export interface PlaceOptions {
  /** The backend's name, for errors. */
  readonly backend: string;
  readonly bucket: string;
  /** Overrides the client's own setting. */
  readonly forcePathStyle?: boolean | undefined;
  /** Whether a custom endpoint implies the path style. */
  readonly prefersPathStyle: boolean;
}

/**
 * Asks a client's endpoint rules where a bucket is. They know access points, Outposts, FIPS, dual-stack and Transfer
 * Acceleration.
 *
 * @throws StorageError `invalid_argument` for an ARN or a setting that the rules refuse; `not_supported` for a bucket whose
 * requests need another kind of signature.
 */
export async function findPlace(
  client: AwsClient | Promise<AwsClient>,
  options: PlaceOptions,
): Promise<S3Place> {
  const { backend, bucket } = options;
  const { url, properties } = await resolveEndpoint(client, options).catch((error: unknown) => {
    throw new StorageError({
      ...{ code: "invalid_argument", op: "open", backend, cause: error },
      message: `open ${backend}: the AWS SDK has no endpoint for ${bucket} (${error instanceof Error ? error.message : error}).`,
    });
  });
  const schemes = properties?.["authSchemes"];
  const scheme = (Array.isArray(schemes) ? schemes : []).find(({ name }) => name === "sigv4");
  if (scheme === undefined) {
    throw new StorageError({
      ...{ code: "not_supported", op: "open", backend },
      message: `open ${backend}: requests to ${bucket} need Signature V4A, which is not supported. Use a bucket or an access point of one region.`,
    });
  }
  return { address: addressOf(url), region: scheme.signingRegion, service: scheme.signingName };
}

async function resolveEndpoint(
  client: AwsClient | Promise<AwsClient>,
  { bucket, forcePathStyle, prefersPathStyle }: PlaceOptions,
): Promise<AwsEndpoint> {
  const { config } = await client;
  const endpoint = await customEndpoint(config);
  const inPath =
    forcePathStyle ?? ((prefersPathStyle && endpoint !== undefined) || (await flag(config.forcePathStyle)));
  return config.endpointProvider({
    Bucket: bucket,
    Region: await config.region(),
    Endpoint: endpoint,
    ForcePathStyle: !bucket.startsWith("arn:") && (inPath || !HOST_LABEL.test(bucket)),
    UseFIPS: await flag(config.useFipsEndpoint),
    UseDualStack: await flag(config.useDualstackEndpoint),
    Accelerate: await flag(config.useAccelerateEndpoint),
    UseGlobalEndpoint: await flag(config.useGlobalEndpoint),
    DisableMultiRegionAccessPoints: await flag(config.disableMultiregionAccessPoints),
    ...((await settingOf(config.useArnRegion)) === false ? { UseArnRegion: false } : {}),
  });
}

/** The endpoint that a client was created with, or found in the environment or in `~/.aws/config`. */
async function customEndpoint(config: AwsClient["config"]): Promise<string | undefined> {
  const given = config.isCustomEndpoint === false ? undefined : await settingOf(config.endpoint);
  const isIgnored = await settingOf(config.ignoreConfiguredEndpointUrls);
  const endpoint =
    given ?? (isIgnored === true ? undefined : await settingOf(config.serviceConfiguredEndpoint));
  if (typeof endpoint === "string") return endpoint;
  if (typeof endpoint !== "object" || endpoint === null) return undefined;
  if ("url" in endpoint && endpoint.url instanceof URL) return endpoint.url.href;
  // The older form of the SDK's endpoints.
  const { protocol, hostname, port, path = "" } = endpoint as Readonly<Record<string, string | number>>;
  return `${protocol}//${hostname}${port ? `:${port}` : ""}${path}`;
}

async function settingOf(setting: unknown): Promise<unknown> {
  return typeof setting === "function" ? setting() : setting;
}

async function flag(setting: unknown): Promise<boolean> {
  return (await settingOf(setting)) === true;
}
