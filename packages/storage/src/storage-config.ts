import type { RetryPolicy } from "@parquetry/core/backend";
import { isPlainObject, type OptionKinds, oneOf } from "@parquetry/core/unstable";
import type { Environment } from "./environment.ts";

/** The kinds of store. */
export type BackendName = "local" | "r2" | "s3";

/** A directory. */
export interface LocalConfig {
  readonly backend: "local";
  /** The data root. */
  readonly root: string;
}

/** A bucket of Cloudflare R2. */
export interface R2Config {
  readonly backend: "r2";
  readonly bucket: string;
  readonly accountId: string | undefined;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly endpoint: string | undefined;
  readonly jurisdiction: "eu" | "us" | "fedramp" | undefined;
  readonly prefix: string;
}

/** A bucket of AWS S3, or of a server that speaks the S3 protocol. */
export interface S3Config {
  readonly backend: "s3";
  readonly bucket: string;
  /** From `…_S3_REGION` or `AWS_REGION`. If undefined, that of the AWS profile, or `us-east-1`. */
  readonly region: string | undefined;
  readonly endpoint: string | undefined;
  readonly forcePathStyle: boolean | undefined;
  readonly prefix: string;
  /** From `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`. If undefined, the AWS default chain finds credentials. */
  readonly credentials: AwsCredentials | undefined;
  /** From `AWS_PROFILE`. */
  readonly profile: string | undefined;
}

/** AWS keys, as the environment variables of the AWS tools give them. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | undefined;
}

/** Where the data is stored. */
export type StorageConfig = LocalConfig | R2Config | S3Config;

/** Options of `getStorage` and `readStorageConfig`. */
export interface ConfigOptions {
  /** The environment. Default `process.env`. */
  readonly env?: Environment | undefined;
  /** The prefix of the variables, such as `NFL` for `NFL_R2_BUCKET`. Default: `PARQUETRY`, then `CFB`. */
  readonly envPrefix?: string | undefined;
  /** The backend to use, whatever `…_STORAGE_BACKEND` says. */
  readonly backend?: BackendName | undefined;
  /** Called before each repeated request to a remote store. */
  readonly onRetry?: RetryPolicy["onRetry"];
}

/** Options of `openStorage` and `openBackend`. The URI names the backend. */
export type UriOptions = Omit<ConfigOptions, "backend">;

/** Kinds of {@link UriOptions}. */
export const URI_OPTIONS: OptionKinds<UriOptions> = {
  env: {
    expected: "an object of variables, whose values are strings",
    // process.env need not be a plain object.
    is: (value) =>
      (value === process.env || isPlainObject(value)) &&
      Object.values(value).every((variable) => variable === undefined || typeof variable === "string"),
  },
  envPrefix: "string",
  onRetry: "function",
};

/** Kinds of {@link ConfigOptions}. */
export const CONFIG_OPTIONS: OptionKinds<ConfigOptions> = {
  ...URI_OPTIONS,
  backend: oneOf("local", "r2", "s3"),
};
