import { checkOptions, type OptionKinds, type RetryPolicy, StorageError } from "@parquetry/core/backend";
import { type Environment, type Variable, type VariableReader, variableReader } from "./environment.ts";
import {
  anyText,
  bucketName,
  keyPrefix,
  oneOf,
  unbrokenText,
  type ValueShape,
  webUrl,
  yesOrNo,
} from "./value-shapes.ts";

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
  readonly jurisdiction: "eu" | "fedramp" | undefined;
  readonly prefix: string;
}

/** A bucket of AWS S3, or of a server that imitates it. */
export interface S3Config {
  readonly backend: "s3";
  readonly bucket: string;
  readonly region: string;
  readonly endpoint: string | undefined;
  readonly forcePathStyle: boolean | undefined;
  readonly prefix: string;
  /** From `AWS_ACCESS_KEY_ID` and its kin; absent where the AWS chain has to find them. */
  readonly credentials: AwsCredentials | undefined;
  /** From `AWS_PROFILE`. */
  readonly profile: string | undefined;
}

/** Keys of AWS, as its environment variables give them. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | undefined;
}

/** Where the data lies. */
export type StorageConfig = LocalConfig | R2Config | S3Config;

/** Where a configuration is read from. */
export interface ConfigOptions {
  /** The environment. Default `process.env`. */
  readonly env?: Environment | undefined;
  /** The prefix of the variables, `NFL` for `NFL_R2_BUCKET`. Default: `PARQUETRY`, then `CFB`. */
  readonly envPrefix?: string | undefined;
  /** Which backend, whatever `…_STORAGE_BACKEND` says. */
  readonly backend?: BackendName | undefined;
  /** Told each time before a remote store is asked again after a failure. */
  readonly onRetry?: RetryPolicy["onRetry"];
}

/** The names of {@link ConfigOptions}. */
export const CONFIG_OPTIONS: OptionKinds<ConfigOptions> = {
  env: true,
  envPrefix: true,
  backend: true,
  onRetry: true,
};

/** What an address says already, so that no variable is needed for it. */
export interface AddressOverrides {
  readonly bucket?: string | undefined;
  readonly prefix?: string | undefined;
}

const lowerCaseBackend = oneOf(["local", "r2", "s3"], "is none of local, r2, s3");
const backendName: ValueShape<BackendName> = (text) => lowerCaseBackend(text.toLowerCase());
const jurisdiction = oneOf(["eu", "fedramp"], "is neither eu nor fedramp");

/**
 * Reads where the data lies from the environment.
 *
 * @throws StorageError `invalid_argument`, op `config`: one error that names every missing or bad variable and what it is
 * for. No value of a secret is ever in it.
 * @example
 * ```ts
 * const config = readStorageConfig({ env: { PARQUETRY_DATA_ROOT: "/data" } }); // { backend: "local", root: "/data" }
 * ```
 */
export function readStorageConfig(
  options: ConfigOptions = {},
  overrides: AddressOverrides = {},
): StorageConfig {
  checkOptions(options, CONFIG_OPTIONS, "config");
  const env = options.env ?? process.env;
  checkPrefix(options.envPrefix);
  const fields = new ConfigFields(variableReader(env, options.envPrefix));
  const backend = options.backend ?? fields.optional("STORAGE_BACKEND", "which backend to use", backendName);
  fields.finish("The storage backend is not known");
  const config = readBackend(backend ?? "local", fields, env, overrides);
  fields.finish(`The configuration of the ${config.backend} backend is not complete`);
  return config;
}

function readBackend(
  backend: BackendName,
  fields: ConfigFields,
  env: Environment,
  overrides: AddressOverrides,
): StorageConfig {
  if (backend === "local") {
    return {
      backend,
      root: fields.required(["DATA_ROOT", "MODEL_DATA_ROOT"], "the folder that holds the data", anyText),
    };
  }
  if (backend === "r2") {
    const endpoint = fields.optional("R2_ENDPOINT", "the R2 endpoint, instead of the account's", webUrl);
    return {
      backend,
      endpoint,
      bucket: fields.bucket(overrides.bucket, "R2_BUCKET", "the R2 bucket"),
      accountId:
        endpoint === undefined
          ? fields.required(["R2_ACCOUNT_ID"], "the Cloudflare account id", unbrokenText)
          : fields.optional("R2_ACCOUNT_ID", "the Cloudflare account id", unbrokenText),
      accessKeyId: fields.required(
        ["R2_ACCESS_KEY"],
        "the access key of an R2 API token",
        unbrokenText,
        true,
      ),
      secretAccessKey: fields.required(
        ["R2_SECRET_KEY"],
        "the secret key of an R2 API token",
        unbrokenText,
        true,
      ),
      jurisdiction: fields.optional("R2_JURISDICTION", "the bucket's jurisdiction", jurisdiction),
      prefix:
        overrides.prefix ?? fields.optional("R2_PREFIX", "the folder inside the bucket", keyPrefix) ?? "",
    };
  }
  return {
    backend,
    bucket: fields.bucket(overrides.bucket, "S3_BUCKET", "the S3 bucket"),
    region: fields.optional("S3_REGION", "the bucket's AWS region", anyText) ?? "us-east-1",
    endpoint: fields.optional("S3_ENDPOINT", "the endpoint of a server that imitates S3", webUrl),
    forcePathStyle: fields.optional("S3_FORCE_PATH_STYLE", "whether the bucket goes into the path", yesOrNo),
    prefix: overrides.prefix ?? fields.optional("S3_PREFIX", "the folder inside the bucket", keyPrefix) ?? "",
    credentials: awsCredentials(env),
    profile: env["AWS_PROFILE"] || undefined,
  };
}

function awsCredentials(env: Environment): AwsCredentials | undefined {
  const accessKeyId = env["AWS_ACCESS_KEY_ID"];
  const secretAccessKey = env["AWS_SECRET_ACCESS_KEY"];
  if (!accessKeyId || !secretAccessKey) return undefined;
  return { accessKeyId, secretAccessKey, sessionToken: env["AWS_SESSION_TOKEN"] || undefined };
}

/** Reads fields one by one and tells about all problems at once. */
class ConfigFields {
  readonly #reader: VariableReader;
  readonly #problems: string[] = [];

  constructor(reader: VariableReader) {
    this.#reader = reader;
  }

  optional<T>(suffix: string, purpose: string, shape: ValueShape<T>): T | undefined {
    return this.#parse(this.#reader.find(suffix), purpose, shape, false);
  }

  /** The value, or an empty text that `finish` never lets out. */
  required(
    suffixes: readonly string[],
    purpose: string,
    shape: ValueShape<string>,
    isSecret = false,
  ): string {
    const variable = this.#reader.find(...suffixes);
    if (variable.value === undefined) {
      this.#problems.push(`${variable.name} is missing: ${purpose}`);
      return "";
    }
    return this.#parse(variable, purpose, shape, isSecret) ?? "";
  }

  /** The bucket of an address, or of its variable. */
  bucket(given: string | undefined, suffix: string, purpose: string): string {
    if (given === undefined) return this.required([suffix], purpose, bucketName);
    return this.#parse({ name: "the address's bucket", value: given }, purpose, bucketName, false) ?? "";
  }

  finish(summary: string): void {
    if (this.#problems.length === 0) return;
    throw new StorageError({
      code: "invalid_argument",
      op: "config",
      message:
        `${summary}:\n` +
        `${this.#problems.map((problem) => `  ${problem}`).join("\n")}\n` +
        "Set these in the environment or in .env; `parquetry init` writes a template.",
    });
  }

  #parse<T>(
    { name, value }: Variable,
    purpose: string,
    shape: ValueShape<T>,
    isSecret: boolean,
  ): T | undefined {
    if (value === undefined) return undefined;
    const understood = shape(value);
    if ("value" in understood) return understood.value;
    const shown = isSecret ? "" : ` ${JSON.stringify(value)}`;
    this.#problems.push(`${name}${shown} ${understood.problem}: ${purpose}`);
    return undefined;
  }
}

function checkPrefix(envPrefix: string | undefined): void {
  if (envPrefix === undefined || /^[A-Za-z][A-Za-z0-9_]*$/.test(envPrefix)) return;
  throw new StorageError({
    code: "invalid_argument",
    op: "config",
    message: `The prefix ${JSON.stringify(envPrefix)} cannot start a variable's name. Give letters, digits and _, such as NFL.`,
  });
}
