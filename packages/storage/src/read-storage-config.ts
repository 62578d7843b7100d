import { StorageError } from "@parquetry/core/backend";
import { checkOptions } from "@parquetry/core/unstable";
import * as z from "zod/mini";
import { findVariable } from "./environment.ts";
import {
  type AwsCredentials,
  type BackendName,
  CONFIG_OPTIONS,
  type ConfigOptions,
  type StorageConfig,
} from "./storage-config.ts";

const isRelative = (path: string): boolean =>
  path.split("/").every((part) => part !== "" && part !== "." && part !== "..");

const text = z.string();
const unbrokenText = z
  .string()
  .check(z.regex(/^\S+$/, "contains white space; was it pasted with a line break?"));
const bucketName = z
  .string()
  .check(
    z.regex(
      /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
      "is not a bucket name (3 to 63 lower-case letters, digits, dots and hyphens)",
    ),
  );
const webUrl = z.string().check(
  z.trim(),
  z.refine((value) => /^https?:\/\//i.test(value) && URL.canParse(value), "is not an http or https URL"),
  // URL parsers ignore these characters.
  z.overwrite((value) => value.replace(/[\t\n\r]/g, "")),
);
const yesOrNo = z.stringbool({ error: "is neither true nor false" });
const keyPrefix = z.string().check(
  z.refine((value) => value === "" || isRelative(value.replace(/\/$/, "")), "is not a relative path"),
  z.overwrite((value) => value.replace(/\/$/, "")),
);

/** One value of the configuration: the names of its variable, what it is for, and how its text is parsed. */
interface Field<S extends z.ZodMiniType = z.ZodMiniType> {
  readonly suffixes: readonly string[];
  readonly purpose: string;
  readonly schema: S;
  readonly isSecret: boolean;
}

type Fields = Readonly<Record<string, Field>>;
type Values<F extends Fields> = { readonly [K in keyof F]: z.output<F[K]["schema"]> };

function field<S extends z.ZodMiniType>(suffix: string, purpose: string, schema: S): Field<S> {
  return { suffixes: [suffix], purpose, schema, isSecret: false };
}

function secret<S extends z.ZodMiniType>(suffix: string, purpose: string, schema: S): Field<S> {
  return { ...field(suffix, purpose, schema), isSecret: true };
}

const BACKEND = {
  backend: field(
    "STORAGE_BACKEND",
    "the backend to use",
    z.pipe(z.string().check(z.toLowerCase()), z.enum(["local", "r2", "s3"], "is not one of local, r2, s3")),
  ),
};

const LOCAL = {
  root: {
    ...field("DATA_ROOT", "the folder that holds the data", text),
    suffixes: ["DATA_ROOT", "MODEL_DATA_ROOT"],
  },
};

const R2 = {
  bucket: field("R2_BUCKET", "the R2 bucket", bucketName),
  accountId: field("R2_ACCOUNT_ID", "the Cloudflare account id", z.optional(unbrokenText)),
  accessKeyId: secret("R2_ACCESS_KEY", "the access key of an R2 API token", unbrokenText),
  secretAccessKey: secret("R2_SECRET_KEY", "the secret key of an R2 API token", unbrokenText),
  endpoint: field("R2_ENDPOINT", "the R2 endpoint, instead of the account's", z.optional(webUrl)),
  jurisdiction: field(
    "R2_JURISDICTION",
    "the bucket's jurisdiction",
    z.optional(z.enum(["eu", "us", "fedramp"], "is none of eu, us and fedramp")),
  ),
  prefix: field("R2_PREFIX", "the folder inside the bucket", z._default(keyPrefix, "")),
};

/** Without an endpoint, the account is needed to build it. */
const R2_OF_ACCOUNT = { ...R2, accountId: { ...R2.accountId, schema: unbrokenText } };

const S3 = {
  bucket: field("S3_BUCKET", "the S3 bucket", bucketName),
  region: field("S3_REGION", "the bucket's AWS region", z.optional(text)),
  endpoint: field("S3_ENDPOINT", "the endpoint of a server that speaks the S3 protocol", z.optional(webUrl)),
  forcePathStyle: field(
    "S3_FORCE_PATH_STYLE",
    "whether the bucket is in the path instead of the host name",
    z.optional(yesOrNo),
  ),
  prefix: field("S3_PREFIX", "the folder inside the bucket", z._default(keyPrefix, "")),
};

/** A variable that {@link readStorageConfig} reads, for the reference and the template of `.env`. */
export interface StorageVariable {
  /** Its names after the prefix. The first one is preferred. */
  readonly suffixes: readonly string[];
  readonly purpose: string;
  /** Whether its backend cannot be opened without it. */
  readonly isRequired: boolean;
  readonly isSecret: boolean;
}

/** Lists the variables, by backend. */
export function storageVariables(): Readonly<Record<"all" | BackendName, readonly StorageVariable[]>> {
  const list = (fields: Fields, areOptional = false) =>
    Object.values(fields).map(({ suffixes, purpose, isSecret, schema }) => ({
      suffixes,
      purpose,
      isRequired: !areOptional && !z.safeParse(schema, undefined).success,
      isSecret,
    }));
  return { all: list(BACKEND, true), local: list(LOCAL), r2: list(R2_OF_ACCOUNT), s3: list(S3) };
}

/**
 * Reads from the environment where the data is stored.
 *
 * @throws StorageError `invalid_argument`, op `config`: one error that names every missing or invalid variable and what it is
 * for. It never contains the value of a secret.
 * @example
 * ```ts
 * const config = await readStorageConfig({ env: { PARQUETRY_DATA_ROOT: "/data" } }); // { backend: "local", root: "/data" }
 * ```
 */
export async function readStorageConfig(options: ConfigOptions = {}): Promise<StorageConfig> {
  checkOptions(options, CONFIG_OPTIONS, "config");
  return parseConfig(options);
}

/** The bucket and the prefix of a URI, which replace those of the environment. */
export interface BucketUri {
  readonly bucket: string;
  readonly prefix: string;
}

/** As {@link readStorageConfig}, with options that are already checked. */
export function parseConfig(options: ConfigOptions, uri?: BucketUri): StorageConfig {
  const { env = process.env } = options;
  const backend = options.backend ?? parseBackend(options) ?? "local";
  const summary = `The configuration of the ${backend} backend is incomplete or invalid`;
  if (backend === "local") return { backend, ...parseFields(LOCAL, summary, options) };
  if (backend === "r2") {
    const hasEndpoint = findVariable(env, options.envPrefix, ["R2_ENDPOINT"]).value !== undefined;
    return { backend, ...parseFields(hasEndpoint ? R2 : R2_OF_ACCOUNT, summary, options, uri) };
  }
  const { region = env["AWS_REGION"] || undefined, ...fields } = parseFields(S3, summary, options, uri);
  return {
    backend,
    ...fields,
    region,
    credentials: awsCredentials(env),
    profile: env["AWS_PROFILE"] || undefined,
  };
}

/** Returns the backend that `…_STORAGE_BACKEND` names, or undefined if it is not set. */
export function parseBackend(options: ConfigOptions): BackendName | undefined {
  const { env = process.env, envPrefix } = options;
  checkEnvPrefix(envPrefix);
  if (findVariable(env, envPrefix, BACKEND.backend.suffixes).value === undefined) return undefined;
  return parseFields(BACKEND, "The storage backend is unknown", options).backend;
}

function parseFields<F extends Fields>(
  fields: F,
  summary: string,
  { env = process.env, envPrefix }: ConfigOptions,
  given: Readonly<Record<string, string>> | BucketUri = {},
): Values<F> {
  checkEnvPrefix(envPrefix);
  const inUri = new Map(Object.entries(given));
  const variables = Object.entries(fields).map(([key, { suffixes, ...field }]) => {
    const value = inUri.get(key);
    const variable =
      value === undefined ? findVariable(env, envPrefix, suffixes) : { name: `The URI's ${key}`, value };
    return { key, ...field, ...variable };
  });
  const schema = z.object(Object.fromEntries(variables.map(({ key, schema }) => [key, schema])));
  const result = schema.safeParse(Object.fromEntries(variables.map(({ key, value }) => [key, value])));
  // The schema is made of those of `F`.
  if (result.success) return result.data as Values<F>;
  const places = new Set<"uri" | "variables">();
  const problems = variables.flatMap(({ key, name, value, purpose, isSecret }) => {
    const issue = result.error.issues.find(({ path }) => path[0] === key);
    if (issue === undefined) return [];
    places.add(inUri.has(key) ? "uri" : "variables");
    if (value === undefined) return [`  ${name} is ${env[name] === "" ? "empty" : "missing"}: ${purpose}`];
    return [`  ${name}${isSecret ? "" : ` ${JSON.stringify(value)}`} ${issue.message}: ${purpose}`];
  });
  const remedies = [
    ...(places.has("uri") ? ["Correct the URI."] : []),
    ...(places.has("variables")
      ? ["Set these in the environment or in .env; `parquetry init` writes a template."]
      : []),
  ];
  throw configError(`${summary}:\n${problems.join("\n")}\n${remedies.join(" ")}`);
}

function awsCredentials(env: NonNullable<ConfigOptions["env"]>): AwsCredentials | undefined {
  const accessKeyId = env["AWS_ACCESS_KEY_ID"];
  const secretAccessKey = env["AWS_SECRET_ACCESS_KEY"];
  if (!accessKeyId || !secretAccessKey) return undefined;
  return { accessKeyId, secretAccessKey, sessionToken: env["AWS_SESSION_TOKEN"] || undefined };
}

function checkEnvPrefix(envPrefix: string | undefined): void {
  if (envPrefix === undefined || /^[A-Za-z][A-Za-z0-9_]*$/.test(envPrefix)) return;
  throw configError(
    `envPrefix ${JSON.stringify(envPrefix)} cannot start the name of a variable. Use letters, digits and _, such as NFL.`,
  );
}

function configError(message: string): StorageError {
  return new StorageError({ code: "invalid_argument", op: "config", message });
}
